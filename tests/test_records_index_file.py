"""The file of the index: damaged, foreign, lost, copied, not writable; when it is written, and when not."""

import json
import os
import resource
import shutil
import subprocess
import sys

import pytest

from tests.indexing import LIE, indexed, lie, rates, renamed, six_runs
from tests.made_runs import make_run, mlp_config
from vgp_bench.records import index
from vgp_bench.records.folders import RunFolder
from vgp_bench.records.reading import find_runs


@pytest.fixture
def results(tmp_path, monkeypatch):
    return six_runs(tmp_path / "results", monkeypatch)


def cut(content):
    return content[: len(content) // 2]


def other_version(content):
    header, body = content.split(b"\n", 1)
    return json.dumps(json.loads(header) | {"layout": "0123456789abcdef"}).encode() + b"\n" + body


def edited(content):
    return content.replace(b"0.666", b"0.777")


def without_shared(content):
    body = content.split(b"\n", 1)[1].replace(b'"shared"', b'"else"')
    return json.dumps(index._header(body)).encode() + b"\n" + body


def without_runs(content):
    body = b'{"shared": [], "runs": 3}'
    return json.dumps(index._header(body)).encode() + b"\n" + body


@pytest.mark.parametrize(
    "damage",
    [
        *(cut, other_version, edited, without_shared, without_runs),
        *(lambda _: b"", lambda _: b"\x00\xff\n{", lambda _: b"[]\n1"),
    ],
)
def test_a_damaged_or_foreign_index_is_not_used_but_made_anew(results, damage):
    indexed(results)
    file = results / index.NAME
    file.write_bytes(damage(file.read_bytes()))
    assert set(rates(results).values()) == {0.1}
    lie(results)  # there is a good one again
    assert set(rates(results).values()) == {LIE}


def test_an_index_of_other_figures_is_not_used(results, monkeypatch):
    indexed(results)
    monkeypatch.setattr(index, "_SUMMARY", (*index._SUMMARY[1:], index._SUMMARY[0]))
    assert set(rates(results).values()) == {0.1}


def test_it_can_be_deleted_and_comes_back(results):
    indexed(results)
    (results / index.NAME).unlink()
    assert set(rates(results).values()) == {0.1}
    assert (results / index.NAME).exists()


def test_a_copy_with_its_index_is_read_and_a_moved_folder_is_not_misread(results, tmp_path):
    indexed(results)
    copy = tmp_path / "copy"
    shutil.copytree(results, copy)  # keeps times, as cp -a and rsync -a do
    one, other = (next(top.glob("made/*/config.yaml")) for top in (results, copy))
    assert (one.stat().st_mtime_ns, one.stat().st_size) == (other.stat().st_mtime_ns, other.stat().st_size)
    assert set(rates(copy).values()) == {0.1}
    moved = results.rename(tmp_path / "moved")
    assert set(rates(moved).values()) == {LIE}  # the same files
    runs = find_runs([moved])
    assert all(run.path.parent == moved / "made" for run in runs)


def test_young_runs_are_not_indexed(results, monkeypatch):
    monkeypatch.setattr(index, "REST_NS", 3_600_000_000_000)
    find_runs([results])
    assert not (results / index.NAME).exists()


@pytest.mark.parametrize(
    ("modified", "inode", "rest"), [(98, 98, False), (97, 97, True), (98, 50, False), (50, 98, False)]
)
def test_at_rest_means_every_time_is_two_seconds_past(modified, inode, rest):
    second = 10**9
    signature = [1 * second, 2 * second, 5, 6, modified * second, inode * second, 9, 9]
    assert index.at_rest(RunFolder("r", signature), 100 * second) == rest


def test_an_index_is_for_many_runs_and_fifty_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "REST_NS", 0)
    first = make_run(tmp_path, mlp_config(0), test_accuracy=0.5)
    for number in range(1, 49):
        shutil.copytree(first, first.with_name(f"copy{number}"))
    assert len(find_runs([tmp_path])) == 49
    assert not (tmp_path / index.NAME).exists()
    shutil.copytree(first, first.with_name("copy49"))
    assert len(find_runs([tmp_path])) == 50
    assert (tmp_path / index.NAME).exists()


def test_it_is_written_anew_only_when_that_pays(results, monkeypatch):
    monkeypatch.setattr(index, "STALE_SHARE", 0.2)
    one, two = indexed(results)[:2]
    before = (results / index.NAME).stat().st_ino
    renamed(one / "choices.json", b"{}")
    assert sorted(rates(results).values()) == [0.1] + [LIE] * 5  # one of six: less than a fifth
    assert (results / index.NAME).stat().st_ino == before
    renamed(two / "choices.json", b"{}")
    for _ in range(2):  # a third is more: what is known stays, what is new comes in
        assert sorted(rates(results).values()) == [0.1] * 2 + [LIE] * 4
    lie(results)
    assert set(rates(results).values()) == {LIE}


def test_where_it_cannot_be_written_runs_are_read_all_the_same(results):
    (results / index.NAME).mkdir()  # in its way
    for _ in range(2):
        assert set(rates(results).values()) == {0.1}
    assert [path.name for path in results.iterdir() if path.name != "made"] == [index.NAME]


def test_a_full_disk_costs_only_the_index(results):
    code = "from vgp_bench.records import index; index.LEAST_RUNS, index.REST_NS = 5, 0\n"
    code += f"from vgp_bench.records.reading import find_runs; print(len(find_runs([{str(results)!r}])))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),  # a file can hold 100 bytes
    )
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert [path.name for path in results.iterdir()] == ["made"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_gets_none(results):
    results.chmod(0o500)
    try:
        assert set(rates(results).values()) == {0.1}
    finally:
        results.chmod(0o700)
    assert [path.name for path in results.iterdir()] == ["made"]
