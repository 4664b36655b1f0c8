//! A control plane in a temporary directory, with a clock that stands still and a handful of people.

use crate::api::types::{
    CreateToken, CreatedToken, ExplainRequest, ExplainResponse, SessionInfo, TargetHealth, TestStep,
};
use crate::api::{App, Peer, routes};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{Caller, Control, Tests};
use crate::error::StartError;
use crate::ports::{
    CannotJudge, Explainer, Explaining, JudgeRequest, Judging, LiveSessions, Targets, Testing,
};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use sluice_model::{
    Access, Action, ActionSpec, AdminAct, Allowed, ApprovalFacts, Decision, Denial, Facts,
    HeldOperation, Operation, Principal, PrincipalId, ProtocolSpec, Resource, ResourceKind,
    SessionContext, SessionId, Timestamp,
};
use sluice_policy::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) const PROTOCOLS: &[ProtocolSpec] = &[ProtocolSpec {
    name: "demo",
    default_port: 1,
    settings: &[],
    has_databases: true,
    needs_username: true,
    ways_in: &[],
    fact_namespace: "demo",
    facts: &[],
    actions: &[
        ActionSpec {
            name: "demo:get",
            groups: &["read"],
            resources: &[ResourceKind::Table],
            doc: "",
        },
        ActionSpec {
            name: "demo:put",
            groups: &["write"],
            resources: &[ResourceKind::Table],
            doc: "",
        },
    ],
    doc: "",
}];

pub(crate) const RESOURCES: &str = "
kind: Connection
name: shop
protocol: demo
environment: prod
target: {address: 'h:1'}
accounts: [{name: app, username: u}]
---
kind: Connection
name: vault
protocol: demo
environment: prod
target: {address: 'h:2'}
accounts: [{name: app, username: u}]
---
{kind: User, name: ada, groups: [engineering]}
---
{kind: User, name: bob, groups: [dba]}
---
{kind: User, name: eve, groups: [guests]}
---
{kind: User, name: root, groups: [admins]}
---
{kind: User, name: wat, groups: [auditors]}
---
{kind: Service, name: job, groups: [engineering]}
---
{kind: Service, name: provisioner}
---
kind: IdentityProvider
name: corp
oidc: {issuer: 'https://idp.example', client_id: sluice}
groups: {map: {'Platform Team': platform, Admins: admins}}
scim: {service: provisioner}
---
{kind: User, name: liz, groups: [guests], provider: corp}
---
{kind: Agent, name: bot, owner: ada, groups: [engineering, admins]}
";

pub(super) const POLICIES: &str = r#"
@id("eng-connects")
permit (principal in Group::"engineering", action in [Action::"connect", Action::"read"], resource == Connection::"shop");

@id("eng-writes-with-dba")
permit (principal in Group::"engineering", action in Action::"write", resource in Connection::"shop")
when { context.approved_by.contains(Group::"dba") };

@id("eng-opens-vault-with-dba")
permit (principal in Group::"engineering", action == Action::"connect", resource == Connection::"vault")
when { context.approved_by.contains(Group::"dba") };

@id("auditors-watch")
permit (principal in Group::"auditors", action == Action::"watch", resource == Connection::"shop");
"#;

pub(super) const REMOTE: &str = "192.0.2.7";
pub(super) const LOCAL: &str = "127.0.0.1";

/// Live sessions that are what a test says.
#[derive(Default)]
pub(super) struct FakeSessions(pub(super) Mutex<Vec<SessionInfo>>);

impl LiveSessions for FakeSessions {
    fn list(&self) -> Vec<SessionInfo> {
        self.0.lock().clone()
    }
    fn kill(&self, id: &SessionId, _why: &str) -> bool {
        let mut all = self.0.lock();
        let before = all.len();
        all.retain(|s| s.id != *id);
        all.len() < before
    }
}

pub(crate) struct FakeExplainer;

impl Explainer for FakeExplainer {
    fn explain<'a>(
        &'a self,
        _principal: &'a Principal,
        _request: &'a ExplainRequest,
    ) -> Explaining<'a> {
        let connect = Decision::Allow(Allowed::default());
        Box::pin(async {
            Ok(ExplainResponse {
                connect,
                statements: Vec::new(),
            })
        })
    }

    /// The first word of a text is the action that it needs on a table, and the second the table.
    fn judge<'a>(
        &'a self,
        snapshots: &'a [Arc<Snapshot>],
        request: &'a JudgeRequest,
    ) -> Judging<'a> {
        let decide = |snapshot: &Arc<Snapshot>| match request.text.split_once(' ') {
            Some(("get" | "put", _)) => Ok(decided(snapshot, request)),
            Some(("gone", _)) => Err(CannotJudge::Target("it cannot be asked".to_owned())),
            _ => Err(CannotJudge::Text("it cannot be read".to_owned())),
        };
        let judged = snapshots.iter().map(decide).collect();
        Box::pin(async move { judged })
    }
}

/// Targets that let themselves be opened once a test says so.
pub(super) struct FakeTargets {
    pub(super) gate: Semaphore,
    pub(super) tested: Mutex<Vec<(sluice_model::Connection, String)>>,
}

impl Default for FakeTargets {
    fn default() -> Self {
        Self {
            gate: Semaphore::new(0),
            tested: Mutex::default(),
        }
    }
}

impl Targets for FakeTargets {
    fn test<'a>(
        &'a self,
        connection: &'a sluice_model::Connection,
        account: &'a str,
    ) -> Testing<'a> {
        let mut tested = self.tested.lock();
        tested.push((connection.clone(), account.to_owned()));
        drop(tested);
        Box::pin(async move {
            self.gate.acquire().await.unwrap().forget();
            let step = TestStep {
                name: "connect".to_owned(),
                ok: connection.target.address != "h:2",
                micros: 1,
                detail: "as told".to_owned(),
            };
            vec![step]
        })
    }

    fn health(&self, connection: &str) -> Option<TargetHealth> {
        (connection == "shop").then(|| TargetHealth {
            ok: true,
            at: Timestamp(7),
            detail: "it accepts connections".to_owned(),
        })
    }
}

fn decided(snapshot: &Arc<Snapshot>, request: &JudgeRequest) -> Decision {
    let denied = |message: &str| {
        Decision::Deny(Denial {
            policy: None,
            message: message.to_owned(),
        })
    };
    let found = snapshot.connection(&request.connection);
    let Some((connection, principal)) = found.zip(snapshot.principal(&request.principal)) else {
        return denied("it is gone");
    };
    let context = SessionContext {
        id: SessionId::from_bits(1),
        principal: principal.clone(),
        credential: sluice_model::Credential::Local,
        account: "app".into(),
        database: "d".into(),
        client_address: IpAddr::from([127, 0, 0, 1]),
        application: None,
        reason: None,
        break_glass: false,
        connection: Arc::clone(connection),
    };
    let (verb, table) = request.text.split_once(' ').unwrap();
    let (database, schema) = ("d".to_owned(), "s".to_owned());
    let operation = Operation {
        text: request.text.as_str().into(),
        accesses: vec![Access {
            action: Action::new(if verb == "get" {
                "demo:get"
            } else {
                "demo:put"
            }),
            resource: Resource::Table {
                database,
                schema,
                table: table.to_owned(),
            },
        }],
        facts: Facts {
            namespace: "demo".into(),
            values: BTreeMap::new(),
        },
    };
    let now = Timestamp(1_790_000_000_000_000);
    match snapshot.view(&context, now) {
        Ok(view) => view.decide(&operation, now, &ApprovalFacts::default()),
        Err(denial) => Decision::Deny(denial),
    }
}

pub(super) struct Rig {
    pub(super) dir: TempDir,
    pub(super) control: Control,
    pub(super) sessions: Arc<FakeSessions>,
    pub(super) targets: Arc<FakeTargets>,
    pub(super) clock: Arc<AtomicI64>,
    router: Router,
}

pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

pub(super) fn principal(text: &str) -> PrincipalId {
    text.parse().unwrap()
}

impl Rig {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("resources")).unwrap();
        std::fs::write(dir.path().join("resources/all.yaml"), RESOURCES).unwrap();
        std::fs::write(dir.path().join("resources/all.cedar"), POLICIES).unwrap();
        Self::start(dir, 1_790_000_000_000_000).await.unwrap()
    }

    pub(super) async fn start(dir: TempDir, now: i64) -> Result<Self, StartError> {
        let text = "resources: resources\nlisten: {https: '127.0.0.1:0', demo: '127.0.0.1:6432'}\ngrace_seconds: 60\n";
        let config = Config::parse(&dir.path().join("sluice.yaml"), text, PROTOCOLS).unwrap();
        let clock = Arc::new(AtomicI64::new(now));
        let control =
            Control::start_at(config, PROTOCOLS, Clock::Manual(Arc::clone(&clock))).await?;
        let sessions = Arc::new(FakeSessions::default());
        let targets = Arc::new(FakeTargets::default());
        let router = routes::router(App {
            control: control.clone(),
            sessions: Arc::clone(&sessions) as Arc<dyn LiveSessions>,
            explainer: Arc::new(FakeExplainer),
            targets: Arc::clone(&targets) as Arc<dyn Targets>,
            tests: Tests::default(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            replaying: crate::api::sessions::replay_places(),
            following: crate::api::live::places(),
            searching: crate::api::recorded::search_places(),
            stop: CancellationToken::new(),
            verifying: Arc::default(),
            judging: Arc::default(),
        });

        Ok(Self {
            dir,
            control,
            sessions,
            targets,
            clock,
            router,
        })
    }

    /// Ends this control plane and starts another one on the same directory.
    pub(super) async fn restart(self) -> Result<Self, StartError> {
        let Self {
            dir,
            control,
            clock,
            sessions,
            router,
            ..
        } = self;
        let now = clock.load(Ordering::SeqCst);
        let stop = CancellationToken::new();
        stop.cancel();
        control.run_background(sessions, stop).await;
        drop((control, router));
        Self::start(dir, now).await
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::SeqCst))
    }

    pub(super) fn explainer(&self) -> Arc<dyn Explainer> {
        Arc::new(FakeExplainer)
    }

    /// What the log holds of one act.
    pub(super) fn acts(&self, wanted: &str) -> Vec<AdminAct> {
        let log = self.control.log();
        let entries = sluice_record::entries(log.dir()).unwrap();
        let found = entries.filter_map(|entry| match entry.unwrap().1 {
            sluice_record::Entry::Admin { act, .. } if act.act == wanted => Some(act),
            _ => None,
        });
        found.collect()
    }

    pub(super) fn targets(&self) -> Arc<dyn Targets> {
        Arc::clone(&self.targets) as Arc<dyn Targets>
    }

    pub(super) fn admin_secret(&self) -> String {
        let path = self.dir.path().join("data/admin.token");
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }

    pub(super) fn caller(&self, name: &str) -> Caller {
        let principal = self
            .control
            .snapshot()
            .principal(&principal(name))
            .cloned()
            .unwrap();
        Caller {
            principal,
            credential: sluice_model::Credential::Local,
            way: sluice_model::WayIn::Local,
            expires: None,
        }
    }

    /// A token made by the local administrator.
    pub(super) async fn token(&self, name: &str) -> CreatedToken {
        let wanted = CreateToken {
            principal: principal(name),
            ttl_seconds: 3_600,
            name: None,
            networks: Vec::new(),
            agent: None,
        };
        self.control
            .create_token(&self.caller("user:admin"), wanted)
            .await
            .unwrap()
    }

    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        secret: Option<&str>,
        from: &str,
        body: &str,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(path);
        if let Some(secret) = secret {
            request = request.header("authorization", format!("Bearer {secret}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request
            .extensions_mut()
            .insert(Peer(from.parse::<IpAddr>().unwrap()));
        if method == "get" {
            // What happens by itself in a gateway: lists are answered from what was followed.
            self.control.beat().await;
            while self.control.follow_once().await {}
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers().get("content-type");
        let endless = kind.is_some_and(|kind| kind == "text/event-stream");
        let body = match endless {
            true => Body::empty(),
            false => response.into_body(),
        };
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Reply {
            status,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// What another service sends to a hook.
    /// What comes from outside, and whatever it leads to.
    pub(super) async fn hook(&self, name: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let reply = self.hook_alone(name, headers, body).await;
        self.control.settled().await;
        reply
    }

    /// What comes from outside, up to its answer.
    pub(super) async fn hook_alone(
        &self,
        name: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder()
            .method("POST")
            .uri(format!("/hooks/{name}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        let from: IpAddr = REMOTE.parse().unwrap();
        request.extensions_mut().insert(Peer(from));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        Reply {
            status,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Resources that are added to what there is.
    pub(super) async fn add(&self, yaml: &str) {
        let file = crate::api::types::SourceFile {
            name: "added.yaml".into(),
            text: yaml.into(),
        };
        let request = crate::api::types::ApplyRequest {
            files: vec![file],
            dry_run: false,
            prune: false,
            delete: Vec::new(),
        };
        let done = self
            .control
            .apply(&self.caller("user:admin"), request)
            .await;
        done.unwrap();
    }

    pub(super) async fn get(&self, path: &str, secret: &str) -> Reply {
        self.call("get", path, Some(secret), REMOTE, "").await
    }

    pub(super) async fn post(&self, path: &str, secret: &str, body: &str) -> Reply {
        self.call("post", path, Some(secret), REMOTE, body).await
    }

    pub(super) fn held(&self, by: &str) -> HeldOperation {
        HeldOperation {
            session: SessionId::from_bits(7),
            principal: principal(by),
            credential: None,
            connection: "shop".into(),
            account: "app".into(),
            database: "shop".into(),
            text: "put t".into(),
            parameters: vec![],
            digest: "d1".into(),
            group_sets: vec![BTreeSet::from(["dba".to_owned()])],
            people: 1,
            policies: vec!["writes".into()],
            estimated_rows: Some(3),
            connect: false,
            client: Some("psql".into()),
            reason: None,
        }
    }
}
