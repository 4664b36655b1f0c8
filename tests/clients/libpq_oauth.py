"""PostgreSQL 18's own client library logs in by OAUTHBEARER. The wheels leave its device flow out (it needs libcurl), so
that is done here, as the library lets programs do it: it finds where tokens are had, and asks for one."""
import ctypes
import json
import os
import ssl
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg

OAUTH_BEARER_TOKEN = 1


class Request(ctypes.Structure):
    """PGoauthBearerRequest of libpq-fe.h."""

    _fields_ = [
        ("openid_configuration", ctypes.c_char_p),
        ("scope", ctypes.c_char_p),
        ("start", ctypes.c_void_p),
        ("cleanup", ctypes.c_void_p),
        ("token", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
    ]


TRUST = ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"])
KEPT = []


def fetch(url, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with urllib.request.urlopen(url, data, context=TRUST) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)


def token(discovery):
    """The device flow (RFC 8628), beginning from what the library was told."""
    found = fetch(discovery)
    assert found["issuer"] == os.environ["ISSUER"], found
    begun = fetch(found["device_authorization_endpoint"], {"client_id": "psql"})
    print(begun["verification_uri_complete"], flush=True)
    while True:
        time.sleep(begun["interval"])
        form = {
            "client_id": "psql",
            "device_code": begun["device_code"],
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        }
        answer = fetch(found["token_endpoint"], form)
        if "access_token" in answer:
            return answer["access_token"].encode()
        if answer["error"] not in ("authorization_pending", "slow_down"):
            sys.exit(f"refused: {answer['error']}")


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(Request))
def hook(kind, _connection, request):
    if kind != OAUTH_BEARER_TOKEN:
        return 0
    got = os.environ.get("TOKEN", "").encode() or token(request.contents.openid_configuration.decode())
    KEPT.append(got)
    request.contents.token = got
    return 1


libraries = Path(psycopg.pq.__file__).parent.parent.parent / "psycopg_binary.libs"
library = ctypes.CDLL(str(next(libraries.glob("libpq-*.so*"))))
library.PQsetAuthDataHook(hook)
assert psycopg.pq.version() >= 180000, psycopg.pq.version()
where = f"oauth_issuer={os.environ['ISSUER']} oauth_client_id=psql require_auth=oauth"
with psycopg.connect(where, dbname="shop", user="app") as connection:
    print(connection.execute("SELECT count(*) > 0, session_user = 'shop_app' FROM customers").fetchone())
