"""Reading what people upload: bounded, in the ways in which Excel writes CSV, kept until it is confirmed."""

from __future__ import annotations

import re
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from import_export.formats.base_formats import CSV, XLSX
from import_export.tmp_storages import BaseStorage
from unfold.contrib.import_export.forms import ImportForm

LARGEST = 2 * 1024**2
# A file of this size can still say that it holds gigabytes.
LARGEST_UNPACKED = 40 * 1024**2
_NAME = re.compile(r"import-[0-9a-f]{32}")


class Csv(CSV):  # type: ignore[misc]  # the library has no types
    """Also with semicolons, which Excel writes where the comma is the decimal point."""

    def create_dataset(self, in_stream: Any, **options: Any) -> Any:
        text = in_stream.decode(self.encoding) if isinstance(in_stream, bytes) else in_stream
        first = text.lstrip("\ufeff").partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        return super().create_dataset(text.lstrip("\ufeff"), delimiter=delimiter, **options)


class Xlsx(XLSX):  # type: ignore[misc]
    """The first sheet."""


FORMATS = [Csv, Xlsx]


class UploadForm(ImportForm):  # type: ignore[misc]
    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST:
            raise ValidationError(f"The file is larger than {LARGEST // 1024**2} MB.")
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as book:
                if sum(part.file_size for part in book.infolist()) > LARGEST_UNPACKED:
                    raise ValidationError("The file holds too much to be a list.")
        file.seek(0)
        return file


class KeptUpload(BaseStorage):  # type: ignore[misc]
    """An upload between preview and confirmation, in `RESTRIKE_VAR/tmp`; it goes by itself after a day.

    Its name comes back from the browser, so nothing but a name given here is ever opened.
    """

    def save(self, data: bytes) -> None:
        directory = Path(settings.RESTRIKE_VAR) / "tmp"
        directory.mkdir(parents=True, exist_ok=True)
        for old in directory.glob("import-*"):
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > 24 * 3600:
                    old.unlink()
        self.name = f"import-{uuid4().hex}"
        self._path.write_bytes(data)

    def read(self) -> bytes | str:
        data = self._path.read_bytes()
        return data.decode(self.encoding) if self.encoding else data

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        if not _NAME.fullmatch(self.name or ""):
            raise FileNotFoundError(self.name)
        return Path(settings.RESTRIKE_VAR) / "tmp" / self.name
