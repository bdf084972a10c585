"""JupyterHub for a team with one key: a shared ledger, a shared bucket of clips, and a limit for every user.

What is secret, or differs from place to place, is in the environment of the hub, which no user sees:

    SEEDANCE_KEY_FILE   a file with the key, readable by the hub alone (a secret of Docker or Kubernetes)
    SEEDANCE_LEDGER     the ledger of all: postgresql://…, or a file that all servers reach
    SEEDANCE_CLIPS      s3://bucket/clips, the bucket of all
    AWS_…               its keys, where the machines have no role of their own

Add what your hub needs besides: authenticator, spawner, storage. See docs/hub.md.
"""

import os
import subprocess
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub defines it

LIMITS = (
    ("2000", "--per", "day"),  # of all together
    ("200", "--per", "day", "--person", "each"),
)
PACES = ("600 calls", "5 creates")  # what the account allows, for all notebooks together
BUCKET_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")

key = Path(os.environ["SEEDANCE_KEY_FILE"]).read_text(encoding="utf-8").strip()
shared = {name: os.environ[name] for name in ("SEEDANCE_LEDGER", "SEEDANCE_CLIPS")}
c.Spawner.environment = {
    **shared,
    **{name: os.environ[name] for name in BUCKET_KEYS if name in os.environ},
    "SEEDANCE_API_KEY": key,
    "SEEDANCE_PERSON": lambda spawner: spawner.user.name,  # not the login name, which is the same in every container
    "SEEDANCE_MAX_CREDITS": "100",  # a slip in one kernel costs no more than this
}

# At every start of the hub, so that what stands here is what holds. A hub that cannot set its limits does not start.
for words in (*LIMITS, *(pace.split() for pace in PACES)):
    subprocess.run(
        [sys.executable, "-m", "seedance_nb", "limit", *words],
        env={**os.environ, **shared, "SEEDANCE_API_KEY": key},
        check=True,
        stdout=subprocess.DEVNULL,
    )
