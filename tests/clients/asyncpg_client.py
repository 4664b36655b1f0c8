"""asyncpg: binary results, its statement cache, cursors, COPY, refusals."""
import asyncio
import io
import os

import asyncpg
from expect import masked, refused


async def main():
    connection = await asyncpg.connect()
    for _ in range(3):
        row = await connection.fetchrow("SELECT id, ssn, email FROM customers WHERE id = $1", 7)
        assert row["id"] == 7
        masked(row["ssn"], row["email"])
    print("select ok")

    async with connection.transaction():
        async for row in connection.cursor("SELECT ssn, email FROM customers WHERE id = 7"):
            masked(*row)
    print("cursor ok")

    out = io.BytesIO()
    await connection.copy_from_query("SELECT ssn, email FROM customers WHERE id = 7", output=out)
    masked(*out.getvalue().decode().rstrip("\n").split("\t"))
    print("copy ok")

    try:
        await connection.execute("DROP TABLE customers")
        raise SystemExit("DROP was not refused")
    except asyncpg.InsufficientPrivilegeError as error:
        refused(error, error.sqlstate)
    try:
        await connection.fetch("DROP TABLE customers")
        raise SystemExit("the prepared DROP was not refused")
    except asyncpg.InsufficientPrivilegeError as error:
        refused(error, error.sqlstate)
    assert await connection.fetchval("SELECT 1") == 1
    print("refusal ok")
    await connection.close()


os.environ.pop("PGGSSENCMODE", None)
asyncio.run(main())
