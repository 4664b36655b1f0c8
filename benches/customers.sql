-- A million customers of about 190 bytes each, three columns of them sensitive, and a million narrow rows.
CREATE UNLOGGED TABLE customers AS
SELECT 'Customer ' || left(md5(i::text), 12) AS name,
       'user' || i || '@example' || i % 97 || '.com' AS email,
       '+1-' || lpad((200 + i % 700)::text, 3, '0') || '-555-' || lpad((i % 10000)::text, 4, '0') AS phone,
       '4' || lpad((i::bigint * 7919 % 1000000000000000)::text, 15, '0') AS card,
       lpad((100 + i % 600)::text, 3, '0') || '-' || lpad((10 + i % 80)::text, 2, '0') || '-' || lpad((1000 + i % 8999)::text, 4, '0') AS ssn,
       'DE' || lpad((i % 90 + 10)::text, 2, '0') || lpad((i::bigint * 104729 % 100000000)::text, 18, '0') AS iban,
       (i % 223 + 1) || '.' || i % 251 || '.' || i % 241 || '.' || i % 239 AS ip,
       'note ' || i || ' called about order ' || i % 4999 || ' and asked to be contacted by mail next week' AS note
FROM generate_series(1, 1000000) AS i;

CREATE UNLOGGED TABLE narrow AS
SELECT i AS id, i % 7 AS a, i % 11 AS b, i % 13 AS c, i % 17 AS d, i % 19 AS e, i % 23 AS f, i % 29 AS g
FROM generate_series(1, 1000000) AS i;
