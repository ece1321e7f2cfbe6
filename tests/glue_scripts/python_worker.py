"""The daemon of Spark's Python workers, without Spark's own jar and zip on its path.

Each task of a worker reads the folder of every archive on the path again, which takes a tenth of a second for Spark's
jar, although pyspark comes from site-packages.
"""

from __future__ import annotations

import sys

from pyspark.daemon import manager

if __name__ == "__main__":
    sys.path[:] = [path for path in sys.path if not path.endswith((".jar", ".zip"))]
    sys.path_importer_cache.clear()
    manager()
