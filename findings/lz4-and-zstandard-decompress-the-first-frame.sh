#!/usr/bin/env bash
# zstandard 0.25.0 and lz4 4.4.5 (PyPI): decompress() returns the first frame and drops the rest without an error.
#
# Both formats define that frames laid end to end are one stream, as the command-line tools and parallel compressors
# write them and as a log that is appended to has them. The one-shot functions return the first frame only, while
# gzip.decompress and bz2.decompress of the standard library return all. Within zstandard, read_to_iter drops rows too;
# stream_reader reads everything, and so does lz4.frame.open.
#
# Observed output:
#   gzip b'1\n2\n'
#   bz2 b'1\n2\n'
#   zstandard decompress b'1\n'
#   zstandard read_to_iter b'1\n'
#   zstandard stream_reader b'1\n2\n'
#   lz4 decompress b'1\n'
#   lz4 open b'1\n2\n'
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install zstandard==0.25.0 lz4==4.4.5
cat >show.py <<'PY'
import bz2
import gzip
import io

import lz4.frame
import zstandard

ROWS = b"1\n", b"2\n"
unzip = zstandard.ZstdDecompressor()
zst = b"".join(map(zstandard.compress, ROWS))
lz = b"".join(map(lz4.frame.compress, ROWS))
print("gzip", gzip.decompress(b"".join(map(gzip.compress, ROWS))))
print("bz2", bz2.decompress(b"".join(map(bz2.compress, ROWS))))
print("zstandard decompress", zstandard.decompress(zst))
print("zstandard read_to_iter", b"".join(unzip.read_to_iter(io.BytesIO(zst))))
print("zstandard stream_reader", unzip.stream_reader(io.BytesIO(zst)).read())
print("lz4 decompress", lz4.frame.decompress(lz))
print("lz4 open", lz4.frame.open(io.BytesIO(lz)).read())
PY
diff <(venv/bin/python show.py) - <<'SEEN'
gzip b'1\n2\n'
bz2 b'1\n2\n'
zstandard decompress b'1\n'
zstandard read_to_iter b'1\n'
zstandard stream_reader b'1\n2\n'
lz4 decompress b'1\n'
lz4 open b'1\n2\n'
SEEN
echo "as stated"
