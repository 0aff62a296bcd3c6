"""A config read section by section means what the whole text means."""

import time

import pytest
import yaml

from vgp_bench.records.contents import parse_yaml

TEXTS = [
    "a: 1\nb:\n  c: [1, 2]\n  d: 1.0e-08\nseed: 0\n",
    "a:\n- x\n- y: 1\nb: null\n",
    "a: 1\na: 2\n",
    "a: |\n  one\n\n\nb: |+\n  two\n\n\nc: >-\n  three\n",
    "a: plain\n  goes on\nb: 'quoted\n\n  text'\nc: .nan\nd: -.inf\ne: 2026-01-01\n",
    "# a comment\na: 1\n# another\nb: 2\n",
    "---\na: 1\nb: 2\n",
    "a: 1\n...\n",
    "a: &x {c: 1}\nb: *x\n",
    "b: 3\na: 1\n<<: {b: 2}\n",
    "b: 3\nc: &x {b: 2}\na:\n  <<: *x\n",
    "a: 1\nb: 3\n!!merge x: {a: 2}\n",
    "? a\n: b\nc: 1\n",
    "a: 1\n? b\nc: 2\n",
    "{a: 1,\nb: 2}\n",
    "a: [1,\nb, c]\n",
    'a: "x\nb: y"\nc: 1\n',
    "a\nb\n",
    "- [a, 1]\n",
    "- a\nb: 1\n",
    "a:\n- 1\nb\n",
    "1: x\ny: z\ntrue: w\n",
    "",
    "x",
    "a: [1\nb: 2\n",
    "  a: 1\nb: 2\n",
    "a: 1\n b: 2\n",
    "a: 1\n...\nb: 2\n",
    "a: 1\n---\nb: 2\n",
    "a: *nowhere\n",
    "a: 1\nb\n",
    "a: \x00\n",
    "[a, b]\nc: 1\n",
    "null\n",
    "a: 1\ntrue\n",
]


def outcome(parse):
    try:
        return repr(parse())  # repr: types and order count, and NaN equals NaN
    except yaml.YAMLError:
        return "refused"


@pytest.mark.parametrize("text", TEXTS)
def test_section_by_section_is_the_same_as_at_once(text):
    expected = outcome(lambda: yaml.safe_load(text))
    known = {}
    assert outcome(lambda: parse_yaml(text, known)) == expected
    assert outcome(lambda: parse_yaml(text, known)) == expected  # now from what is known
    for other in TEXTS:  # whatever was parsed before
        outcome(lambda other=other: parse_yaml(other, known))
    assert outcome(lambda: parse_yaml(text, known)) == expected


def test_a_known_section_is_not_parsed_again():
    # One long section and another seed each time: parsing 300 of them takes seconds, reading them does not.
    section = "layers:\n" + "".join(f"  layer_{i}: {{width: {i}, bias: true}}\n" for i in range(300))
    known = {}
    parse_yaml(section + "seed: 0\n", known)
    started = time.process_time()
    first = yaml.load(section, yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
    once = time.process_time() - started
    started = time.process_time()
    configs = [parse_yaml(f"{section}seed: {seed}\n", known) for seed in range(300)]
    assert time.process_time() - started < 100 * once
    assert [config["seed"] for config in configs] == list(range(300))
    assert all(config["layers"] == first["layers"] for config in configs)
