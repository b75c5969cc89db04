"""phpList's archives: what is none of them, or reaches out of its folder, writes nothing."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from provisioner_dem.releases import NEEDED, fetched, unpack
from provisioner_dem.software import DemError

from tests.https import served_over_tls

ROOT = "phplist-3.6.15/public_html/"
FILES = {
    **{f"{ROOT}{name}": f"<?php // {name}" for name in NEEDED},
    "phplist-3.6.15/VERSION": "# the tag\nVERSION=3.6.15\n",
    f"{ROOT}lists/styles/phplist.css": "body {}",
}


def _tar(file: Path, files: Mapping[str, str], *extra: tarfile.TarInfo) -> str:
    with tarfile.open(file, "w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            info.mode = 0o4777
            tar.addfile(info, io.BytesIO(text.encode()))
        for info in extra:
            tar.addfile(info)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _zip(file: Path, files: Mapping[str, str]) -> str:
    with zipfile.ZipFile(file, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    folder = tmp_path / "srv/releases"
    folder.mkdir(parents=True)
    return folder


def _nothing_written(releases: Path) -> bool:
    return list(releases.iterdir()) == [] and list(releases.parent.iterdir()) == [releases]


@pytest.mark.parametrize("make", [_tar, _zip])
def test_a_release_is_laid_out_under_its_version(tmp_path: Path, releases: Path, make: object) -> None:
    archive = tmp_path / "phplist"
    digest = (_tar if make is _tar else _zip)(archive, FILES)
    found = unpack(archive, digest.upper(), releases)
    assert found == releases / "3.6.15"
    assert (found / "public_html/lists/admin/init.php").read_text() == "<?php // lists/admin/init.php"
    assert (found / "VERSION").read_text() == "VERSION=3.6.15\n"
    assert (found / "public_html/lists/index.php").stat().st_mode & 0o7777 == 0o644
    assert [path.name for path in releases.iterdir()] == ["3.6.15"]
    assert unpack(archive, digest, releases) == found


def test_the_version_may_stand_in_the_code(tmp_path: Path, releases: Path) -> None:
    files = {f"public_html/{name}": "<?php" for name in NEEDED}
    files["public_html/lists/admin/init.php"] = "<?php\ndefine('VERSION', '3.6.16');\n"
    archive = tmp_path / "phplist.tgz"
    assert unpack(archive, _tar(archive, files), releases).name == "3.6.16"


def test_another_checksum_is_not_unpacked(tmp_path: Path, releases: Path) -> None:
    archive = tmp_path / "phplist.tgz"
    _tar(archive, FILES)
    with pytest.raises(DemError, match="SHA-256"):
        unpack(archive, "0" * 64, releases)
    assert _nothing_written(releases)


@pytest.mark.parametrize("missing", [*(f"{ROOT}{name}" for name in NEEDED), "phplist-3.6.15/VERSION"])
def test_what_is_not_phplist_is_refused(tmp_path: Path, releases: Path, missing: str) -> None:
    archive = tmp_path / "phplist.tgz"
    digest = _tar(archive, {name: text for name, text in FILES.items() if name != missing})
    with pytest.raises(DemError, match=r"not phpList|which version"):
        unpack(archive, digest, releases)
    assert _nothing_written(releases)


def test_a_text_is_no_archive(tmp_path: Path, releases: Path) -> None:
    archive = tmp_path / "phplist.tgz"
    archive.write_text("no archive")
    with pytest.raises(DemError, match="can't be read"):
        unpack(archive, hashlib.sha256(b"no archive").hexdigest(), releases)


@pytest.mark.parametrize("name", ["../evil", f"{ROOT}../../../evil", "/etc/evil", "a\\..\\evil"])
@pytest.mark.parametrize("make", [_tar, _zip])
def test_nothing_leaves_its_folder(tmp_path: Path, releases: Path, name: str, make: object) -> None:
    archive = tmp_path / "phplist"
    digest = (_tar if make is _tar else _zip)(archive, {**FILES, name: "evil"})
    with pytest.raises(DemError, match="leads out"):
        unpack(archive, digest, releases)
    assert _nothing_written(releases)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, releases: Path, kind: bytes) -> None:
    archive = tmp_path / "phplist.tgz"
    info = tarfile.TarInfo(f"{ROOT}lists/link")
    info.type, info.linkname = kind, "/etc/passwd"
    digest = _tar(archive, FILES, info)
    with pytest.raises(DemError, match="regular file"):
        unpack(archive, digest, releases)
    assert _nothing_written(releases)


def test_another_archive_of_a_version_that_is_there_is_refused(tmp_path: Path) -> None:
    first, second, releases = tmp_path / "a.tgz", tmp_path / "b.tgz", tmp_path / "releases"
    releases.mkdir()
    of_first = _tar(first, FILES)
    assert unpack(first, of_first, releases) == unpack(first, of_first, releases)
    of_second = _tar(second, {**FILES, f"{ROOT}lists/new.php": "<?php"})
    with pytest.raises(DemError, match=r"3\.6\.15 is here already"):
        unpack(second, of_second, releases)


def test_an_archive_comes_over_https_or_from_a_file(tmp_path: Path) -> None:
    with fetched(str(tmp_path / "a.tgz")) as file:
        assert file == tmp_path / "a.tgz"
    with pytest.raises(DemError, match="over https"), fetched("http://example.org/a.tgz"):
        pass


class _OneArchive(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/a.tgz" else 404)
        self.end_headers()
        self.wfile.write(b"an archive")


def test_an_archive_is_fetched_from_whom_this_host_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served_over_tls(tmp_path, "localhost", _OneArchive) as (authority, port):
        address = f"https://localhost:{port}"
        with pytest.raises(DemError, match=f"^{address}/a.tgz can't be fetched: .*certificate"):
            fetched(f"{address}/a.tgz").__enter__()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        with fetched(f"{address}/a.tgz") as file:
            assert (file.name, file.read_bytes()) == ("a.tgz", b"an archive")
        with pytest.raises(DemError, match="404"):
            fetched(f"{address}/b.tgz").__enter__()
