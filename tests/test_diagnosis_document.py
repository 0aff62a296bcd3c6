"""docs/diagnosis.md says what the code does: every symptom, every verdict, every threshold with its reason."""

import ast
import importlib
import pkgutil
import re
from typing import get_args

from vgp_bench.diagnosis import rules, symptoms, thresholds
from vgp_bench.diagnosis.document import diagnosis_document
from vgp_bench.diagnosis.finding import Verdict


def modules():
    names = [module.name for module in pkgutil.iter_modules(symptoms.__path__)]
    return [importlib.import_module(f"{symptoms.__name__}.{name}") for name in names]


def test_it_is_up_to_date(request):
    committed = (request.config.rootpath / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    assert committed == diagnosis_document(), "run: python -m vgp_bench.diagnosis.document > docs/diagnosis.md"


def test_every_threshold_stands_there_with_its_value_and_a_reason():
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\S+) \| (.+) \|$", diagnosis_document(), flags=re.MULTILINE)
    values = {name: value for name, value in vars(thresholds).items() if name.isupper()}
    assert {name: ast.literal_eval(value) for name, value, _ in rows} == values
    assert len(rows) == len(values) > 10
    assert all(len(why) > 20 for _, _, why in rows)


def test_every_symptom_and_verdict_and_rule_set_is_named():
    text = diagnosis_document()
    for module in modules():
        assert module.__doc__.strip().partition(": ")[2][:60] in text
    for verdict in get_args(Verdict):
        assert verdict in text.lower(), verdict
    for module in pkgutil.iter_modules(rules.__path__):
        assert module.name == "tables" or f"`{module.name}`" in text


def test_symptoms_stand_in_the_order_in_which_one_explains_the_other():
    names = [module.__doc__.strip().partition(":")[0] for module in sorted(modules(), key=lambda module: module.RANK)]
    text = diagnosis_document()
    places = [text.index(f"**{name}**:") for name in names]
    assert places == sorted(places)
