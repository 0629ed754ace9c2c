"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import cte_metrics as cte
from cte_metrics.core.writing import write_file

OLD = "what stood there"


def full(*given: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def killed(*given: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.problem(
    "pathlib, pandas users",
    "a full disk or a killed process leaves half a file and the old one is lost",
    "the new file takes the old one's name only when all of it has reached the disk",
)
@pytest.mark.parametrize(("fault", "raised"), [(full, cte.InputError), (killed, KeyboardInterrupt)])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_fault_while_writing_leaves_what_was_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[..., None],
    raised: type[BaseException],
    step: str,
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(OLD)
    monkeypatch.setattr(os, step, fault)
    with pytest.raises(raised):
        write_file(path, "new")
    assert path.read_text() == OLD
    assert os.listdir(tmp_path) == ["a.txt"]


def test_text_bytes_and_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, "Ñ\n")
    assert path.read_bytes() == "Ñ\n".encode()
    path.chmod(0o640)
    write_file(str(path), b"\x00")
    assert path.read_bytes() == b"\x00"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_link_keeps_pointing_to_its_file(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text(OLD)
    link.symlink_to(path)
    write_file(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_device_is_written_to() -> None:
    write_file(os.devnull, "x")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("name", ["nowhere/a.txt", ".", "a.txt/b", "x" * 300])
def test_paths_that_cannot_be_written_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text(OLD)
    with pytest.raises(cte.InputError, match="cannot be written: ") as caught:
        write_file(tmp_path / name, "x")
    assert caught.value.hint
    assert os.listdir(tmp_path) == ["a.txt"]


def test_results_and_instruments_are_refused_alike(tmp_path: Path) -> None:
    survey = cte.load_example()
    nowhere = tmp_path / "nowhere"
    with pytest.raises(cte.InputError, match="cannot be written"):
        survey.instrument.to_file(nowhere / "a.yaml")
    picture = cte.aggregation.agreement(survey.at_wave(1), "group").to_svg()
    with pytest.raises(cte.InputError, match="cannot be written"):
        picture.savefig(nowhere / "a.png")
    picture.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
