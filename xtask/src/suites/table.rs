//! The suites: where each comes from, what it needs, and how it is told where the server is.

/// One suite.
pub struct Suite {
    /// The package and its version on PyPI.
    pub package: &'static str,
    /// What its environment needs: the driver as it is installed, and what its tests import.
    pub needs: &'static [&'static str],
    /// Folders of its source that would be imported instead of the installed package.
    pub unbuilt: &'static [&'static str],
    /// The arguments after `python -m`, in the folder of its source. `{port}`, `{user}`, `{password}` and
    /// `{database}` are filled in, here and in `environment`.
    pub run: &'static [&'static str],
    /// Variables that say where the server is.
    pub environment: &'static [(&'static str, &'static str)],
    /// What the server's database needs before.
    pub sql: &'static [&'static str],
    /// Databases besides [`DATABASE`] that its tests connect to; the gateway gets a connection of each name.
    pub databases: &'static [&'static str],
}

/// The database that every suite works in, and the name of its connection: drivers take the user's name for it.
pub const DATABASE: &str = "postgres";

/// What libpq and most drivers look at.
const LIBPQ: &[(&str, &str)] = &[
    ("PGHOST", "127.0.0.1"),
    ("PGPORT", "{port}"),
    ("PGUSER", "{user}"),
    ("PGPASSWORD", "{password}"),
    ("PGDATABASE", "{database}"),
];

const HSTORE: &str = "CREATE EXTENSION hstore";

/// All of them.
pub const SUITES: &[Suite] = &[
    Suite {
        package: "psycopg2==2.9.13",
        needs: &["psycopg2-binary==2.9.13"],
        unbuilt: &["lib"],
        run: &["unittest", "-v", "tests.test_suite"],
        environment: &[
            ("PSYCOPG2_TESTDB", "{database}"),
            ("PSYCOPG2_TESTDB_HOST", "127.0.0.1"),
            ("PSYCOPG2_TESTDB_PORT", "{port}"),
            ("PSYCOPG2_TESTDB_USER", "{user}"),
            ("PSYCOPG2_TESTDB_PASSWORD", "{password}"),
        ],
        sql: &[HSTORE],
        databases: &[],
    },
    Suite {
        package: "pg8000==1.31.6",
        needs: &[
            "pg8000==1.31.6",
            "pytest==9.2.0",
            "pytest-mock",
            "pytest-benchmark",
            "pytz",
        ],
        unbuilt: &["src"],
        run: &[
            "pytest",
            "-q",
            "-rfE",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            "--benchmark-disable",
            "test",
        ],
        environment: LIBPQ,
        sql: &[HSTORE, HBA_LINES],
        databases: &["pg8000_scram_sha_256"],
    },
    Suite {
        package: "asyncpg==0.32.0",
        needs: &["asyncpg==0.32.0", "pytest==9.2.0", "distro"],
        unbuilt: &["asyncpg"],
        run: &[
            "pytest",
            "-q",
            "-rfE",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            "tests",
        ],
        environment: LIBPQ,
        sql: &[],
        databases: &["asyncpg_intro_test", "testdb"],
    },
    Suite {
        package: "sqlalchemy==2.1.9",
        needs: &[
            "sqlalchemy==2.1.9",
            "psycopg[binary]==3.3.9",
            "pytest==9.2.0",
        ],
        unbuilt: &[],
        run: &[
            "pytest",
            "-q",
            "-rfE",
            "-p",
            "no:cacheprovider",
            "--maxfail=1000",
            "--dburi",
            "postgresql+psycopg://{user}:{password}@127.0.0.1:{port}/{database}",
            "test/dialect/test_suite.py",
            "test/dialect/postgresql",
        ],
        environment: &[],
        sql: &[
            HSTORE,
            "CREATE EXTENSION citext",
            "CREATE SCHEMA test_schema",
            "CREATE SCHEMA test_schema_2",
        ],
        databases: &[],
    },
];

/// Authentication by database name, before the other lines of `pg_hba.conf`, as pg8000's tests expect.
const HBA_LINES: &str = r"
DO $$
BEGIN
  EXECUTE format(
    $copy$COPY (SELECT unnest(ARRAY[
      'host pg8000_gss all 127.0.0.1/32 gss',
      'host pg8000_password all 127.0.0.1/32 password',
      'host all all 127.0.0.1/32 scram-sha-256'])) TO %L$copy$,
    current_setting('hba_file'));
  PERFORM pg_reload_conf();
END $$";
