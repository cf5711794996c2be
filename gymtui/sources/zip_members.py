"""Members of a zip archive, zstd ones too, which Python itself reads from 3.14 on.

Where a member is there twice, the later one counts: so do those who write such archives.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Final

import zstandard

from gymtui.sources.files import UnsupportedError

ZSTD: Final = 93  # the method (APPNOTE.TXT 4.4.5)
_HEADER: Final = struct.Struct("<4s22sHH")
"""A local header, as far as it says where the member begins."""


class ZipMembers:
    """The members of an archive by name; raises ValueError where it is none, and OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._infos = {info.filename: info for info in archive.infolist()}
        except (zipfile.BadZipFile, NotImplementedError, struct.error) as error:
            raise ValueError(f"no whole archive: {error}") from None

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they were written."""
        return list(self._infos)

    def read(self, name: str) -> bytes:
        """A member, unpacked; raises ValueError where that cannot be done."""
        info = self._infos.get(name)
        if info is None:
            raise ValueError(f"no {name} in {self._path.name}")
        with self._path.open("rb") as file:
            file.seek(info.header_offset)
            magic, _rest, names, extra = _HEADER.unpack(file.read(_HEADER.size))
            if magic != b"PK\x03\x04":
                raise ValueError(f"{name}: no member where one should be")
            file.seek(names + extra, 1)
            packed = file.read(info.compress_size)
        return self._unpacked(info, packed)

    def _unpacked(self, info: zipfile.ZipInfo, packed: bytes) -> bytes:
        try:
            if info.compress_type == zipfile.ZIP_STORED:
                body = packed
            elif info.compress_type == zipfile.ZIP_DEFLATED:
                body = zlib.decompress(packed, -zlib.MAX_WBITS)
            elif info.compress_type == ZSTD:
                body = _zstd(packed)
            else:
                raise UnsupportedError(f"packed with method {info.compress_type}")
        except zlib.error as error:
            raise ValueError(f"{info.filename}: {error}") from None
        if len(body) != info.file_size or zlib.crc32(body) != info.CRC:
            raise ValueError(f"{info.filename}: damaged")
        return body


def _zstd(packed: bytes) -> bytes:
    try:
        # As a stream: who writes one does not say at its head how large it is.
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
