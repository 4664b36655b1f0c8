-- The sample shop: what the demo and the end-to-end tests run against. The same rows on every run.
-- Loaded as a superuser into the database "shop"; the roles shop_owner and shop_app exist already.
SET ROLE shop_owner;

CREATE TABLE customers (
    id          integer PRIMARY KEY,
    name        text NOT NULL,
    email       text NOT NULL UNIQUE,
    phone       text NOT NULL,
    ssn         text NOT NULL,
    card        text NOT NULL,
    city        text NOT NULL,
    profile     jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL
);

CREATE TABLE products (
    id           integer PRIMARY KEY,
    name         text NOT NULL,
    price_cents  integer NOT NULL CHECK (price_cents > 0),
    stock        integer NOT NULL CHECK (stock >= 0)
);

CREATE TABLE orders (
    id           integer PRIMARY KEY,
    customer_id  integer NOT NULL REFERENCES customers (id),
    status       text NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'returned')),
    placed_at    timestamptz NOT NULL
);

CREATE TABLE order_items (
    order_id     integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line         integer NOT NULL,
    product_id   integer NOT NULL REFERENCES products (id),
    quantity     integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, line)
);

CREATE TABLE payments (
    id            integer PRIMARY KEY,
    order_id      integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    card          text NOT NULL,
    amount_cents  integer NOT NULL,
    paid_at       timestamptz NOT NULL
);

-- The last digit that makes a payment card number valid.
CREATE FUNCTION pg_temp.luhn_digit(digits text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT ((10 - sum(CASE WHEN (length(digits) - place) % 2 = 0
                           THEN (digit * 2) / 10 + (digit * 2) % 10
                           ELSE digit END) % 10) % 10)::text
    FROM (SELECT place, substr(digits, place, 1)::integer AS digit
          FROM generate_series(1, length(digits)) AS place) AS places
$$;

INSERT INTO customers
SELECT id,
       first || ' ' || last,
       lower(first) || '.' || lower(last) || id || '@example.com',
       '+1-' || (201 + id * 7 % 700) || '-555-' || lpad((id * 37 % 10000)::text, 4, '0'),
       lpad((100 + id * 11 % 560)::text, 3, '0') || '-' || lpad((10 + id * 3 % 89)::text, 2, '0')
           || '-' || lpad((1000 + id * 53 % 8999)::text, 4, '0'),
       body || pg_temp.luhn_digit(body),
       (ARRAY['Berlin', 'Lisbon', 'Austin', 'Osaka', 'Nairobi', 'Toronto'])[1 + id % 6],
       jsonb_build_object('newsletter', id % 3 = 0,
                          'contact', jsonb_build_object('email', lower(first) || '.' || lower(last) || id || '@example.com')),
       timestamptz '2024-01-01 08:00:00+00' + id * interval '31 hours'
FROM (SELECT id,
             (ARRAY['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Frances', 'John', 'Katherine', 'Dennis'])[1 + id % 10] AS first,
             (ARRAY['Moreno', 'Schmidt', 'Okafor', 'Tanaka', 'Silva', 'Novak', 'Haddad', 'Larsen'])[1 + id / 10 % 8] AS last,
             '4' || lpad((id::bigint * 7919 * 104729 % 100000000000000)::text, 14, '0') AS body
      FROM generate_series(1, 300) AS id) AS people;

INSERT INTO products
SELECT id,
       (ARRAY['Kettle', 'Lamp', 'Desk', 'Chair', 'Keyboard', 'Mug', 'Backpack', 'Notebook'])[1 + id % 8] || ' ' || chr(64 + id),
       495 + id * 731 % 9000,
       id * 17 % 120
FROM generate_series(1, 24) AS id;

INSERT INTO orders
SELECT id,
       1 + id * 13 % 300,
       (ARRAY['open', 'paid', 'shipped', 'shipped', 'paid', 'returned'])[1 + id % 6],
       timestamptz '2025-01-01 09:30:00+00' + id * interval '7 hours'
FROM generate_series(1, 600) AS id;

INSERT INTO order_items
SELECT order_id, line, 1 + (order_id * 5 + line * 7) % 24, 1 + (order_id + line) % 3
FROM generate_series(1, 600) AS order_id, generate_series(1, 3) AS line
WHERE line <= 1 + order_id % 3;

INSERT INTO payments
SELECT orders.id, orders.id, customers.card,
       (SELECT sum(quantity * price_cents)
        FROM order_items JOIN products ON products.id = product_id
        WHERE order_id = orders.id),
       placed_at + interval '5 minutes'
FROM orders JOIN customers ON customers.id = customer_id
WHERE status <> 'open';

CREATE VIEW customer_contacts AS
    SELECT id, name, email AS address, phone FROM customers;

CREATE VIEW revenue_by_month AS
    SELECT date_trunc('month', paid_at) AS month, sum(amount_cents) AS cents, count(*) AS payments
    FROM payments GROUP BY 1;

CREATE FUNCTION order_total(wanted integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT sum(quantity * price_cents) FROM order_items JOIN products ON products.id = product_id
    WHERE order_id = wanted
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_app;
GRANT TRUNCATE ON order_items TO shop_app;

RESET ROLE;
ANALYZE;
