"""Help for tests of the index: runs old enough for one, and a lie in it.

Whether a run came out of the index is seen by a lie: `lie` puts another learning rate into the index, as no run has it.
"""

import json
import os

from tests.made_runs import make_run, mlp_config
from vgp_bench.records import index
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import find_runs

LIE = 0.666


def six_runs(folder, monkeypatch):
    """Six runs, few enough for a test and old enough for an index. Returns the folder."""
    monkeypatch.setattr(index, "LEAST_RUNS", 5)
    monkeypatch.setattr(index, "REST_NS", 0)
    for seed in range(6):
        make_run(folder, mlp_config(seed), test_accuracy=0.5, seconds=10.0 + seed)
    return folder


def rates(*places):
    """name of run -> learning rate, as found now; the reason in place of that of a damaged run."""
    runs = find_runs(places)
    return {run.path.name: run.reason if run.state == "damaged" else run.config["optimizer"]["lr"] for run in runs}


def lie(folder):
    """Makes the index of this folder say LIE of every run."""
    file = folder / index.NAME
    body = file.read_bytes().split(b"\n", 1)[1]
    assert b'"lr":0.1' in body
    body = body.replace(b'"lr":0.1', f'"lr":{LIE}'.encode())
    file.write_bytes(json.dumps(index._header(body)).encode() + b"\n" + body)


def indexed(folder):
    """Reads the folder, and makes its index lie. Returns the paths of its runs."""
    paths = [run.path for run in find_runs([folder])]
    lie(folder)
    assert set(rates(folder).values()) == {LIE}  # without change it is used
    return paths


def in_place(file, content):
    """By hand: the same file, the same size, and the times it had."""
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)


def renamed(file, content):
    """As a run does it."""
    write_atomically(file, content)
