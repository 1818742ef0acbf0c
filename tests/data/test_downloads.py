"""Downloads over real HTTP from a server that misbehaves, and archives that are hostile."""

import hashlib
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from file_server import Server
from test_datasets import cifar_batches

from core.data import downloads
from core.data.downloads import Stopwatch, download, fetch_images, unpack_zip
from core.data.images import Archive, CifarPair, Folders
from core.data.registry import Dataset, dataset
from core.errors import LabError


@pytest.fixture
def content() -> bytes:
    return np.random.RandomState(0).bytes(1_000_000)


def test_a_download_comes_whole_and_tells_its_progress(server: Server, content: bytes, tmp_path: Path) -> None:
    server.files["file"] = content
    told = list(download(server.url("file"), tmp_path / "new" / "file", digest=hashed(content)))
    assert (tmp_path / "new" / "file").read_bytes() == content
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert (told[0].done, told[-1].done, told[-1].total, told[-1].unit) == (0, 1_000_000, 1_000_000, "bytes")
    assert told[-1].seconds_left == 0


def hashed(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def test_a_connection_that_breaks_again_and_again_is_resumed(server: Server, content: bytes, tmp_path: Path) -> None:
    server.files["file"], server.break_after = content, 150_000
    list(download(server.url("file"), tmp_path / "file", digest=hashed(content)))
    assert (tmp_path / "file").read_bytes() == content
    assert server.ranges == ["", *(f"bytes={n}-" for n in range(150_000, 1_000_000, 150_000))]


def test_a_server_that_cannot_resume_starts_anew(server: Server, content: bytes, tmp_path: Path) -> None:
    server.files["file"], server.resumes = content, False
    (tmp_path / "file.part").write_bytes(b"something old")
    list(download(server.url("file"), tmp_path / "file", digest=hashed(content)))
    assert (tmp_path / "file").read_bytes() == content


def test_a_part_that_is_already_whole_is_taken(server: Server, content: bytes, tmp_path: Path) -> None:
    server.files["file"] = content
    (tmp_path / "file.part").write_bytes(content)
    list(download(server.url("file"), tmp_path / "file", digest=hashed(content)))
    assert (tmp_path / "file").read_bytes() == content


def test_a_part_longer_than_the_file_is_dropped(
    server: Server, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    server.files["file"] = content
    (tmp_path / "file.part").write_bytes(content + b"more")
    list(download(server.url("file"), tmp_path / "file", digest=hashed(content)))
    assert (tmp_path / "file").read_bytes() == content


def test_a_damaged_download_is_removed(server: Server, content: bytes, tmp_path: Path) -> None:
    server.files["file"] = content[:-1] + b"x"
    with pytest.raises(LabError, match=r"file.part came damaged .* download it again"):
        list(download(server.url("file"), tmp_path / "file", digest=hashed(content)))
    assert list(tmp_path.iterdir()) == []


def test_a_publisher_that_has_moved_is_one_sentence(server: Server, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"/file answers 404 Not Found: try later"):
        list(download(server.url("file"), tmp_path / "file"))


def test_no_network_is_one_sentence_and_keeps_what_came(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url("file")
    server.socket.close()
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    (tmp_path / "file.part").write_bytes(b"half")
    with pytest.raises(LabError, match=r"cannot be reached .* check the connection"):
        list(download(url, tmp_path / "file"))
    assert (tmp_path / "file.part").read_bytes() == b"half"


def test_a_file_far_too_large_is_refused(
    server: Server, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["file"] = content
    monkeypatch.setattr(downloads, "MAX_DOWNLOAD", 500_000)
    with pytest.raises(LabError, match="would be 1 MB large"):
        list(download(server.url("file"), tmp_path / "file"))


def test_a_killed_download_goes_on_where_it_stopped(server: Server, content: bytes, tmp_path: Path) -> None:
    server.files["file"], server.seconds_per_block = content, 0.1
    code = (
        "import sys; from pathlib import Path; from core.data.downloads import download\n"
        "for p in download(sys.argv[1], Path(sys.argv[2])): print(p.done, flush=True)"
    )
    command = [sys.executable, "-c", code, server.url("file"), str(tmp_path / "file")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if int(line) > 0:
                break
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "file").exists()
    kept = (tmp_path / "file.part").stat().st_size
    server.seconds_per_block = 0
    told = list(download(server.url("file"), tmp_path / "file", digest=hashed(content)))
    assert 0 < kept == told[0].done
    assert (tmp_path / "file").read_bytes() == content


def test_the_stopwatch_counts_only_what_it_saw() -> None:
    watch = Stopwatch("Work", 100, "images", done=50)
    time.sleep(0.05)
    progress = watch.progress(10)
    assert progress.done == 60
    assert progress.per_second == pytest.approx(10 / 0.05, rel=0.5)
    assert progress.seconds_left == pytest.approx(40 / progress.per_second)


def published(name: str, archive: Archive) -> Dataset:
    """A data set as it is, but for where its publisher offers it."""
    samples = dataset(name).samples
    assert isinstance(samples, Folders | CifarPair)
    return replace(dataset(name), samples=replace(samples, archive=archive))


def test_ants_and_bees_are_fetched_from_their_publisher(data_dir: Path, server: Server, tmp_path: Path) -> None:
    source = data_dir / "hymenoptera_data"
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        for path in source.rglob("*"):
            archive.write(path, path.relative_to(data_dir))
        archive.writestr("__MACOSX/readme", "left out")
    server.files["hymenoptera_data.zip"] = (tmp_path / "made.zip").read_bytes()
    ants_bees = published("ants_bees", Archive(server.url("hymenoptera_data.zip"), 47.3, folder="hymenoptera_data"))
    target = tmp_path / "data"
    assert list(fetch_images(ants_bees, target))
    assert dataset("ants_bees").images(target).digest() == dataset("ants_bees").images(data_dir).digest()
    assert [path.name for path in target.iterdir()] == ["hymenoptera_data"]
    assert list(fetch_images(ants_bees, target)) == []


def test_another_archive_in_its_place_is_refused(server: Server, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("hymenoptera_data/train/ants/one.jpg", b"x")
    server.files["hymenoptera_data.zip"] = (tmp_path / "made.zip").read_bytes()
    ants_bees = published("ants_bees", Archive(server.url("hymenoptera_data.zip"), 47.3, folder="hymenoptera_data"))
    with pytest.raises(LabError, match="has 1 train images where ants_bees has 244"):
        list(fetch_images(ants_bees, tmp_path / "data"))
    assert not (tmp_path / "data" / "hymenoptera_data.zip").exists()


def test_cifar_is_fetched_and_read_by_torchvision(
    data_dir: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_zip = dataset("dogs_cats").images(data_dir)
    batches = cifar_batches(from_zip, tmp_path, monkeypatch)
    with tarfile.open(tmp_path / "made.tar.gz", "w:gz", compresslevel=1) as tar:
        tar.add(batches, batches.name)
    content = (tmp_path / "made.tar.gz").read_bytes()
    server.files["cifar.tar.gz"] = content
    archive = Archive(server.url("cifar.tar.gz"), 170.5, "md5:c58f30108f718f92721af3b95e74349a")
    with pytest.raises(LabError, match="came damaged"):
        list(fetch_images(published("dogs_cats", archive), tmp_path / "data"))
    archive = replace(archive, digest=f"md5:{hashlib.md5(content).hexdigest()}")
    list(fetch_images(published("dogs_cats", archive), tmp_path / "data"))
    assert dataset("dogs_cats").images(tmp_path / "data").digest() == from_zip.digest()


def _link(name: str) -> zipfile.ZipInfo:
    link = zipfile.ZipInfo(name)
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


HOSTILE = {
    "parent": ([("../evil", b"x")], "leads out of its folder"),
    "inner parent": ([("data/../../evil", b"x")], "leads out of its folder"),
    "absolute": ([("/tmp/evil", b"x")], "leads out of its folder"),
    "drive": ([("C:evil", b"x")], "leads out of its folder"),
    "link": ([(_link("data/link"), b"/etc/passwd")], "has a link"),
    "bomb": ([("data/zeros", bytes(3_000_000))], "unpacks to more than 2 MB"),
    "many": ([(f"data/{n}", b"") for n in range(60)], "has 60 members, more than 50"),
    "twice": ([("data/a", b"1"), ("data/./a", b"2")], "cannot be unpacked"),
    "file and folder": ([("data/a", b"1"), ("data/a/b", b"2")], "cannot be unpacked"),
    "other": ([("other/a", b"1")], "holds no folder data"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_leave_nothing_behind(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members, message = HOSTILE[name]
    monkeypatch.setattr(downloads, "MAX_MEMBERS", 50)
    monkeypatch.setattr(downloads, "MAX_UNPACKED", 2_000_000)
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(inside / "made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    with pytest.raises(LabError, match=message) as caught:
        unpack_zip(inside / "made.zip", inside / "data")
    assert "\n" not in str(caught.value)
    assert [path.name for path in (*tmp_path.iterdir(), *inside.iterdir())] == ["inside", "made.zip"]


def test_a_size_that_lies_does_not_open_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAX_UNPACKED", 2_000_000)
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/zeros", bytes(3_000_000))
    honest, lie = (3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert path.read_bytes().count(honest) == 2
    path.write_bytes(path.read_bytes().replace(honest, lie))
    with pytest.raises(LabError, match=r"cannot be unpacked|unpacks to more"):
        unpack_zip(path, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("keep", [0, 10, 60, -10])
def test_a_broken_zip_is_one_sentence(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/a", b"1" * 1000)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(LabError, match="remove it and get it again"):
        unpack_zip(path, tmp_path / "data")
