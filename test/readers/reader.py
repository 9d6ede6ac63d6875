"""Unpacks archives with Python's own modules: a line `format<TAB>file<TAB>folder` in, a line `ok` or `error …` out."""

import sys
import tarfile
import zipfile

for line in sys.stdin:
    kind, file, folder = line.rstrip("\n").split("\t")
    try:
        if kind == "zip":
            with zipfile.ZipFile(file) as archive:
                archive.extractall(folder)
        else:
            with tarfile.open(file, "r:", errorlevel=2) as archive:
                # "tar" refuses what leads out, and leaves modes, types and names as they are.
                archive.extractall(folder, filter="tar")
        answer = "ok"
    except Exception as error:  # whatever it says of an archive, it did not read it
        answer = "error " + repr(error)
    print(answer.replace("\n", " "), flush=True)
