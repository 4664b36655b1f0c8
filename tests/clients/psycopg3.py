"""psycopg 3: text and binary, automatic prepared statements, pipelines, server-side cursors, COPY, refusals."""
import psycopg
from expect import masked, refused

with psycopg.connect(autocommit=True) as connection:
    for binary in (False, True):
        # From the fifth run on the driver prepares by itself and then executes without describing.
        for _ in range(8):
            with connection.cursor(binary=binary) as cursor:
                number, ssn, email = cursor.execute(
                    "SELECT id, ssn, email FROM customers WHERE id = %s", (7,)
                ).fetchone()
                assert number == 7 and isinstance(number, int)
                masked(ssn, email)
    print("select ok")

    with connection.transaction(), connection.cursor(name="walk") as cursor:
        cursor.execute("SELECT ssn, email FROM customers WHERE id = 7")
        masked(*cursor.fetchone())
    print("cursor ok")

    with connection.cursor() as cursor:
        with cursor.copy("COPY (SELECT ssn, email FROM customers WHERE id = 7) TO STDOUT") as copy:
            masked(*list(copy.rows())[0])
    print("copy ok")

    with connection.pipeline():
        first = connection.execute("SELECT ssn, email FROM customers WHERE id = 7")
        second = connection.execute("SELECT count(*) FROM orders")
        masked(*first.fetchone())
        assert second.fetchone() == (600,)
    print("pipeline ok")

    try:
        connection.execute("DROP TABLE customers")
        raise SystemExit("DROP was not refused")
    except psycopg.errors.InsufficientPrivilege as error:
        refused(error, error.sqlstate)
    assert connection.execute("SELECT 1").fetchone() == (1,)
    print("refusal ok")

    try:
        with connection.transaction():
            try:
                connection.execute("DROP TABLE customers")
            except psycopg.errors.InsufficientPrivilege:
                pass
            connection.execute("SELECT 1")
        raise SystemExit("the transaction was not aborted")
    except psycopg.errors.InFailedSqlTransaction:
        pass
    assert connection.execute("SELECT 1").fetchone() == (1,)
    print("transaction ok")
