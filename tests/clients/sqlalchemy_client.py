"""SQLAlchemy over psycopg: reflection, the ORM, streamed results, refusals."""
from expect import masked, refused
from sqlalchemy import MetaData, Table, create_engine, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, registry

engine = create_engine("postgresql+psycopg://")
customers = Table("customers", MetaData(), autoload_with=engine)
assert set(customers.c.keys()) >= {"id", "name", "email", "ssn", "card"}
print("reflection ok")


class Customer:
    pass


registry().map_imperatively(Customer, customers)
with Session(engine) as session:
    found = session.scalars(select(Customer).where(Customer.id == 7)).one()
    masked(found.ssn, found.email)
print("orm ok")

with engine.connect().execution_options(stream_results=True) as connection:
    row = connection.execute(text("SELECT ssn, email FROM customers WHERE id = :id"), {"id": 7}).one()
    masked(*row)
print("stream ok")

with engine.connect() as connection:
    try:
        connection.execute(text("DROP TABLE customers"))
        raise SystemExit("DROP was not refused")
    except ProgrammingError as error:
        refused(error, error.orig.sqlstate)
print("refusal ok")
