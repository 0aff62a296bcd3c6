"""The run id: stable, blind to what cannot change numbers, and to nothing else."""

import copy

import pytest

from tests.made_runs import mlp_config
from vgp_bench.records.identity import VOLATILE_KEYS, canonical, flatten, run_id, settled


def test_flatten_writes_dotted_keys_and_keeps_leaves():
    nested = {"a": {"b": 1, "c": {"d": [1, {"e": 2}]}}, "f": {}, "g": None}
    assert flatten(nested) == {"a.b": 1, "a.c.d": [1, {"e": 2}], "f": {}, "g": None}


def test_run_id_is_the_hash_of_the_canonical_text():
    # printf '{"depth":3,"seed":0}' | sha256sum
    assert run_id({"seed": 0, "depth": 3}) == "1459a0ef7864"
    assert canonical({"b": 1.0, "a": [True, None, 0.5]}) == '{"a":[true,null,0.5],"b":1}'


def test_order_of_keys_and_whole_floats_do_not_matter():
    assert run_id({"a": 1, "b": {"c": 2, "d": 3.0}}) == run_id({"b": {"d": 3, "c": 2}, "a": 1.0})


@pytest.mark.parametrize("key", sorted(VOLATILE_KEYS))
def test_volatile_keys_do_not_matter(key):
    assert run_id(mlp_config() | {key: "/elsewhere"}) == run_id(mlp_config() | {key: {"below": 1}})


def test_every_other_key_matters():
    base = mlp_config()
    ids = {run_id(base)}
    for dotted in settled(base):
        changed = copy.deepcopy(base)
        *path, last = dotted.split(".")
        place = changed
        for part in path:
            place = place[part]
        place[last] = "changed"
        ids.add(run_id(changed))
    assert len(ids) == 1 + len(settled(base))


def test_without_drops_a_key_and_all_below_it_but_not_its_namesakes():
    config = {"seed": 1, "seed_of_data": 2, "a": {"seed": 3}, "b": {"c": 4}}
    assert settled(config, without=("seed", "b")) == {"seed_of_data": 2, "a.seed": 3}
