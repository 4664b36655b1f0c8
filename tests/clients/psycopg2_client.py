"""psycopg2: simple queries, named cursors, COPY, refusals inside and outside a transaction."""
import io

import psycopg2
from expect import masked, refused

connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()
cursor.execute("SELECT id, ssn, email FROM customers WHERE id = %s", (7,))
number, ssn, email = cursor.fetchone()
assert number == 7
masked(ssn, email)
print("select ok")

out = io.StringIO()
cursor.copy_expert("COPY (SELECT ssn, email FROM customers WHERE id = 7) TO STDOUT", out)
masked(*out.getvalue().rstrip("\n").split("\t"))
print("copy ok")

try:
    cursor.execute("DROP TABLE customers")
    raise SystemExit("DROP was not refused")
except psycopg2.errors.InsufficientPrivilege as error:
    refused(error, error.pgcode)
cursor.execute("SELECT 1")
assert cursor.fetchone() == (1,)
print("refusal ok")

connection.autocommit = False
with connection.cursor("walk") as walk:
    walk.execute("SELECT ssn, email FROM customers WHERE id = 7")
    masked(*walk.fetchone())
connection.rollback()
print("cursor ok")

cursor = connection.cursor()
try:
    cursor.execute("DROP TABLE customers")
    raise SystemExit("DROP was not refused")
except psycopg2.errors.InsufficientPrivilege:
    pass
try:
    cursor.execute("SELECT 1")
    raise SystemExit("the transaction was not aborted")
except psycopg2.errors.InFailedSqlTransaction:
    connection.rollback()
cursor.execute("SELECT 1")
print("transaction ok")
