"""What a sidecar tells of its program: a fact that cannot be had costs nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from racro_eval.engines.model_entry import ModelEntry
from racro_eval.store import provenance


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    for fact in (provenance.git_commit, provenance.version):
        fact.cache_clear()
    yield
    for fact in (provenance.git_commit, provenance.version):
        fact.cache_clear()


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file or directory", "git"),
        PermissionError(13, "Permission denied", "git"),
        subprocess.TimeoutExpired("git", 10),
        OSError(24, "Too many open files"),
    ],
)
def test_a_checkout_without_a_git_that_works_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(
        provenance, "__file__", str(tmp_path / "racro_eval" / "store" / "provenance.py")
    )
    monkeypatch.setattr(subprocess, "run", refuse)
    assert provenance.git_commit() is None


def test_files_that_were_never_installed_have_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", unknown)
    assert provenance.version() == "unknown"


def test_a_machine_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise OSError("no name")

    monkeypatch.setattr(socket, "gethostname", refuse)
    assert provenance.host() == "unknown"


@pytest.mark.parametrize(
    ("home", "text", "shown"),
    [
        ("/home/me", "/home/me/data", "~/data"),
        ("/home/me/", "/home/me", "~"),
        ("/home/me", "/home/me2/data", "/home/me2/data"),
        ("", "./data", "./data"),
        ("/", "/data/x", "/data/x"),
    ],
)
def test_the_home_folder_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch, home: str, text: str, shown: str
) -> None:
    monkeypatch.setenv("HOME", home)
    assert provenance.without_private_data(text) == shown


def test_a_user_of_whom_the_system_knows_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    with pytest.raises(RuntimeError):
        Path.home()
    assert provenance.without_private_data("/data/x") == "/data/x"
    assert ModelEntry(name="m", model="~/m").local_folder is None


def test_a_program_without_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "argv")
    assert provenance.argv() == []
