"""The description of the environment: complete, plain, and honest about what it cannot know."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

from vgp_bench.records.environment import PACKAGES, checkout, describe_environment


def test_description_is_plain_json_with_every_version():
    environment = describe_environment("cuda:0 (a card)", ["vgp-bench", "run", "seed=1"], threads=3)
    assert json.loads(json.dumps(environment)) == environment
    assert environment["device"] == "cuda:0 (a card)"
    assert environment["command"] == ["vgp-bench", "run", "seed=1"]
    assert environment["threads"] == 3
    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert set(environment["versions"]) == set(PACKAGES)
    assert environment["versions"]["numpy"] == importlib.metadata.version("numpy")
    assert environment["cpu"]


@pytest.fixture
def repository(tmp_path):
    def git(*words):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        done = subprocess.run(["git", "-C", tmp_path, *identity, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    return tmp_path, git("rev-parse", "HEAD")


def test_commit_of_a_clean_checkout_and_untracked_files_are_no_change(repository):
    root, commit = repository
    (root / "results").write_text("untracked")
    assert checkout(root) == {"commit": commit, "dirty": False}


def test_changed_file_makes_it_dirty(repository, monkeypatch):
    root, commit = repository
    (root / "file").write_text("2")
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as inside a git hook
    assert checkout(root) == {"commit": commit, "dirty": True}


def test_package_inside_somebody_elses_checkout_has_no_commit(repository):
    root, _ = repository
    site = root / "site-packages"
    site.mkdir()
    assert checkout(site) == {"commit": None, "dirty": None}
