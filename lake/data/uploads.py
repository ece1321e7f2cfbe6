"""Uploads a file to S3: small files by a single request, others and all retries by boto3."""

from __future__ import annotations

import base64
import os
import zlib
from pathlib import Path
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.connection import HTTPConnection

from lake.aws import THREADS, Aws

SMALL = 1024 * 1024
"""In bytes. Below this size, boto3's overhead exceeds the cost of the transfer."""


class Uploads:
    """Uploads to one bucket. Safe to use from several threads.

    A small file is sent by one signed request, which costs a third of boto3's processor time. If the answer is not 200,
    boto3 sends the file again, because it handles redirects, retries and errors.
    """

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws, self._bucket = aws, bucket
        # boto3 knows the bucket's location and address style.
        url = aws.s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "-"})
        self._home = url.partition("?")[0].removesuffix("-")
        self._http = URLLib3Session(
            verify=os.environ.get("AWS_CA_BUNDLE") or True,  # type: ignore[arg-type]
            proxies=get_environ_proxies(self._home),
            max_pool_connections=THREADS,
            # Without TCP_NODELAY, the body would wait for the acknowledgement of the headers (Nagle's algorithm).
            socket_options=HTTPConnection.default_socket_options,
        )

    def put(self, file: Path, key: str) -> None:
        """Upload a file. Raises what boto3's upload_file does."""
        if file.stat().st_size > SMALL or not self._sent(file.read_bytes(), key):
            self._aws.s3.upload_file(str(file), self._bucket, key)

    def _sent(self, body: bytes, key: str) -> bool:
        checksum = base64.b64encode(zlib.crc32(body).to_bytes(4)).decode()
        request = AWSRequest(
            "PUT",
            self._home + quote(key, safe="/~"),
            headers={"x-amz-checksum-crc32": checksum, "Content-Type": "binary/octet-stream"},
            data=body,
        )
        S3SigV4Auth(self._aws.credentials(), "s3", self._aws.lake.environment.region).add_auth(request)
        try:
            return bool(self._http.send(request.prepare()).status_code == 200)
        except HTTPClientError:
            return False
