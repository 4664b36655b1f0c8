"""An independent reading of the standard (scim2-tester) against the gateway: prints what it finds wrong."""
import os
import ssl

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

client = httpx2.Client(
    base_url=os.environ["SCIM_URL"],
    headers={"Authorization": "Bearer " + os.environ["SCIM_TOKEN"]},
    verify=ssl.create_default_context(cafile=os.environ["SCIM_CA"]),
)
passed = 0
for result in check_server(SyncSCIMClient(client)):
    if result.status.name in ("SUCCESS", "SKIPPED", "ACCEPTABLE"):
        passed += 1
    else:
        print(result.title, "|", (result.reason or "").splitlines()[0][:200])
print("passed", passed)
