"""Fetches data sets from their publishers: resumable, checked, unpacked safely, with progress. Nothing here starts
without a person's consent: the command line wants ``--download``, a page a click.
"""

import errno
import hashlib
import http.client
import os
import shutil
import stat
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.data.images import Archive
from core.data.points import Generated
from core.data.registry import Dataset
from core.errors import LabError
from core.events import Progress
from core.files import check_folder

ATTEMPTS = 5
"""Connections that may break in a row, without a byte coming through, before a download gives up."""
TIMEOUT = 30.0
"""Seconds without a byte before a connection counts as broken."""
MAX_DOWNLOAD = 2_000_000_000
MAX_UNPACKED = 400_000_000
MAX_MEMBERS = 5_000
BLOCK = 1 << 18


@dataclass
class Stopwatch:
    """Makes `Progress` out of amounts; what was done before it started does not count for the speed."""

    what: str
    total: int
    unit: str
    done: int = 0
    _started: float = field(default_factory=time.perf_counter)
    _done_now: int = 0

    def progress(self, amount: int) -> Progress:
        """``amount`` more is done."""
        self.done += amount
        self._done_now += amount
        speed = self._done_now / max(time.perf_counter() - self._started, 1e-9)
        left = (self.total - self.done) / speed if speed and self.total else None
        return Progress(self.what, self.done, self.total, self.unit, speed, left)


def fetch_images(dataset: Dataset, data_dir: Path) -> Iterator[Progress]:
    """Download the images of a data set into ``data_dir`` unless they are there; checked when it ends.

    Raises `LabError` when the publisher cannot be reached or sends something else than the data set.
    """
    if _has_images(dataset, data_dir):
        return
    offered = None if isinstance(dataset.samples, Generated) else dataset.samples.archive
    if offered is None:
        raise LabError(f"dataset = {dataset.name!r} is not possible: there is nothing to download for it")
    archive = data_dir / PurePosixPath(offered.url).name
    if archive.is_file():
        _check_digest(archive, offered.digest)
    else:
        yield from download(offered.url, archive, digest=offered.digest)
    try:
        _unpack(archive, offered, data_dir)
        dataset.images(data_dir)
    except LabError:
        archive.unlink()  # so that the next attempt fetches it again
        raise
    archive.unlink()


def _unpack(archive: Path, offered: Archive, data_dir: Path) -> None:
    """Unpack a zip file that nobody has to trust, or a tar file whose digest is known."""
    if archive.suffix == ".zip":
        unpack_zip(archive, data_dir / offered.folder)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(data_dir, filter="data")


def download(url: str, path: Path, *, digest: str = "") -> Iterator[Progress]:
    """Fetch ``url`` into ``path``, which is there whole or not at all.

    What a broken connection or a killed process left in ``path.part`` is gone on from. ``digest`` is
    "algorithm:beginning of the hexadecimal digest". Raises `LabError`.
    """
    check_folder(path.parent, path.name)
    part = path.with_name(path.name + ".part")
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            yield from _fetch(url, part)
            break
        except urllib.error.HTTPError as error:
            raise LabError(
                f"{url} answers {error.code} {error.reason}: try later or get the file another way"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise LabError(
                    f"{part} cannot be written ({error.strerror}): make room or name another folder"
                ) from None
            failures = 1 if part.exists() and part.stat().st_size > before else failures + 1
            if failures == ATTEMPTS:
                raise LabError(
                    f"{url} cannot be reached ({error}): check the connection and start again, what has come is kept"
                ) from None
            time.sleep(0.2 * 2**failures)
    _check_digest(part, digest)
    os.replace(part, path)


def unpack_zip(archive: Path, target: Path) -> None:
    """Unpack the folder ``target.name`` of a zip file that nobody has to trust; it appears whole or not at all.

    Refuses members that lead out of the folder, links, too many members and too much data (`LabError`); members
    outside that folder are left out.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=target.name + ".") as scratch:
        try:
            with zipfile.ZipFile(archive) as packed:
                _unpack_members(packed, archive, Path(scratch))
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
            raise LabError(f"{archive} cannot be unpacked ({error}): remove it and get it again") from None
        unpacked = Path(scratch) / target.name
        if not unpacked.is_dir():
            raise LabError(f"{archive} holds no folder {target.name}: remove it and get it again")
        if target.exists():
            shutil.rmtree(target)
        os.replace(unpacked, target)


def _has_images(dataset: Dataset, data_dir: Path) -> bool:
    try:
        dataset.images(data_dir)
    except LabError:
        return False
    return True


def _fetch(url: str, part: Path) -> Iterator[Progress]:
    """One connection: append to ``part`` what it lacks; returns when the whole file has come."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return
        part.unlink()
        raise ConnectionError("what had come does not belong to it") from None
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        length = int(response.headers.get("Content-Length") or 0)
        total = have + length
        if total > MAX_DOWNLOAD:
            raise LabError(f"{url} would be {total / 1e6:,.0f} MB large: that is not the file that is meant")
        watch = Stopwatch(f"Downloading {part.name.removesuffix('.part')}", total, "bytes", done=have)
        yield watch.progress(0)
        with part.open("ab" if resumed else "wb") as file:
            while block := response.read(BLOCK):
                file.write(block)
                yield watch.progress(len(block))
                if watch.done > MAX_DOWNLOAD:
                    raise LabError(f"{url} sends more than {MAX_DOWNLOAD / 1e6:,.0f} MB: that is not the file meant")
        if length and watch.done < total:
            raise ConnectionError(f"it broke off at {watch.done:,} of {total:,} bytes")


def _check_digest(path: Path, digest: str) -> None:
    """Remove the file and raise `LabError` unless its digest begins as it should."""
    if not digest:
        return
    algorithm, expected = digest.split(":")
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, algorithm).hexdigest()
    if not actual.startswith(expected):
        path.unlink()
        raise LabError(
            f"{path.name} came damaged ({algorithm} {actual[:8]} instead of {expected[:8]}): download it again"
        )


def _unpack_members(packed: zipfile.ZipFile, archive: Path, folder: Path) -> None:
    members = packed.infolist()
    if len(members) > MAX_MEMBERS:
        raise LabError(
            f"{archive} has {len(members):,} members, more than {MAX_MEMBERS:,}: it is not the archive meant"
        )
    room = MAX_UNPACKED
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise LabError(f"{archive} has a member that leads out of its folder ({member.filename!r}): do not use it")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise LabError(f"{archive} has a link ({member.filename!r}), which no data set needs: do not use it")
        if member.is_dir():
            continue
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(member) as source, target.open("xb") as file:
            while block := source.read(BLOCK):
                room -= len(block)  # counted as it comes: the sizes in a zip's directory may lie
                if room < 0:
                    raise LabError(f"{archive} unpacks to more than {MAX_UNPACKED / 1e6:,.0f} MB: do not use it")
                file.write(block)
