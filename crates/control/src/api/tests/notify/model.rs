//! No sequence of messages from outside approves twice, late, by the requester or by somebody who is not permitted. A
//! model says after each step what may have happened; the control plane has to agree.

use super::KEY;
use super::doubles::{Double, hmac_hex};
use crate::api::tests::rig::Rig;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use sluice_identity::form::percent;
use sluice_model::{ApprovalId, ApprovalState, HeldOperation, PrincipalId};
use std::collections::{BTreeSet, HashSet};

/// Sequences that are tried, and their length.
const SEQUENCES: u32 = 40;
const LENGTH: usize = 60;
/// How long the requests of this test live, in seconds.
const LIFE: i64 = 900;

/// Who sends something: what they are called outside, and who they are.
const PEOPLE: [(&str, Option<&str>); 6] = [
    ("u-bob", Some("bob")),
    ("u-dan", Some("dan")),
    ("u-ada", Some("ada")),
    ("u-eve", Some("eve")),
    ("u-root", Some("root")),
    ("u-stranger", None),
];

#[derive(Debug, Clone)]
enum Step {
    Says {
        who: usize,
        about: usize,
        approves: bool,
        signed: Signed,
        by: Way,
    },
    /// An earlier message once more.
    Again(usize),
    Wait(i64),
    SwitchOff(bool),
    Regroup(bool),
    Withdraw(usize),
}

/// How something is said.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Webhook,
    /// A button in the chat, of which only one decides: the other one opens a dialog.
    Button,
    /// The dialog, which can only deny, whatever else a message about it says.
    Dialog,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Signed {
    Well,
    Forged,
    Stale,
    Ahead,
}

fn step() -> impl Strategy<Value = Step> {
    let signed = prop_oneof![
        6 => Just(Signed::Well), 1 => Just(Signed::Forged), 1 => Just(Signed::Stale), 1 => Just(Signed::Ahead),
    ];
    let says = (
        0..PEOPLE.len(),
        0..3_usize,
        prop::bool::weighted(0.85),
        signed,
        prop_oneof![Just(Way::Webhook), Just(Way::Button), Just(Way::Dialog)],
    )
        .prop_map(|(who, about, approves, signed, by)| Step::Says {
            who,
            about,
            approves,
            signed,
            by,
        });
    prop_oneof![
        8 => says,
        8 => (0..LENGTH).prop_map(Step::Again),
        1 => (1..400_i64).prop_map(Step::Wait),
        1 => prop::bool::weighted(0.3).prop_map(Step::SwitchOff),
        1 => prop::bool::weighted(0.3).prop_map(Step::Regroup),
        1 => (0..3_usize).prop_map(Step::Withdraw),
    ]
}

#[derive(Debug)]
struct Request {
    id: ApprovalId,
    by: &'static str,
    owner: Option<&'static str>,
    people: usize,
    given: Vec<&'static str>,
    state: ApprovalState,
    ends: i64,
}

/// What may be.
#[derive(Debug)]
struct Model {
    now: i64,
    dan_is_on: bool,
    bob_is_in: bool,
    requests: Vec<Request>,
    taken: HashSet<(String, String)>,
}

impl Model {
    fn in_group(&self, user: &str) -> bool {
        match user {
            "bob" => self.bob_is_in,
            "dan" => self.dan_is_on,
            "ada" => true,
            _ => false,
        }
    }

    /// A message arrives that was signed at `time`.
    fn hears(&mut self, message: &Message) {
        let fresh = (self.now - message.time).abs() <= 300;
        let key = (message.header.clone(), message.body.clone());
        if message.forged || !fresh || !self.taken.insert(key) {
            return;
        }
        let Some(user) = PEOPLE[message.who].1 else {
            return;
        };
        // What opens a dialog decides nothing, and what a dialog says besides is not heard.
        if (message.by == Way::Button && !message.approves)
            || (message.by == Way::Dialog && message.approves)
        {
            return;
        }
        let (now, permitted) = (self.now, self.in_group(user));
        let request = &mut self.requests[message.about];
        let open = request.state == ApprovalState::Pending && now < request.ends;
        if !message.approves && request.by == format!("user:{user}") {
            // Refusing one's own request is taking it back, at any time before it is over.
            if matches!(
                request.state,
                ApprovalState::Pending | ApprovalState::Approved
            ) {
                request.state = ApprovalState::Cancelled;
            }
            return;
        }
        let own = request.by == format!("user:{user}") || request.owner == Some(user);
        if !open || own || !permitted {
            return;
        }
        if !message.approves {
            request.state = ApprovalState::Denied;
        } else if !request.given.contains(&user) {
            request.given.push(user);
            if request.given.len() >= request.people {
                request.state = ApprovalState::Approved;
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Message {
    who: usize,
    about: usize,
    approves: bool,
    forged: bool,
    by: Way,
    time: i64,
    header: String,
    body: String,
}

struct World {
    rig: Rig,
    root: String,
    model: Model,
    sent: Vec<Message>,
}

impl World {
    async fn new() -> (Self, Double) {
        let rig = Rig::new().await;
        let double = Double::start().await;
        let people: Vec<String> = PEOPLE
            .iter()
            .filter_map(|(id, user)| user.map(|user| format!("{id}: {user}")))
            .collect();
        let people = people.join(", ");
        let key = rig.secret("hook.key", KEY);
        rig.add(&format!(
            "kind: Notifier\nname: hook\nwebhook: {{url: '{}/', secret: {key}}}\npeople: {{{people}}}\nexpire_after_seconds: {LIFE}\n---\nkind: Notifier\nname: chat\nslack: {{token: {key}, signing_secret: {key}, channel: C01, api_url: '{}'}}\npeople: {{{people}}}\n---\n{{kind: User, name: dan, groups: [dba]}}\n---\n{{kind: User, name: ada, groups: [engineering, dba]}}\n",
            double.url,
            double.url
        ))
        .await;
        let mut requests = Vec::new();
        for (by, owner, people, digest) in [
            ("user:ada", None, 1, "one"),
            ("user:ada", None, 2, "two"),
            ("agent:bot", Some("ada"), 1, "three"),
        ] {
            let held = HeldOperation {
                digest: digest.into(),
                people,
                ..rig.held(by)
            };
            let id = rig.control.request_approval(held).await.unwrap().id;
            let ends = rig.now().seconds() + LIFE;
            let people = usize::try_from(people).unwrap();
            let state = ApprovalState::Pending;
            requests.push(Request {
                id,
                by,
                owner,
                people,
                given: Vec::new(),
                state,
                ends,
            });
        }
        double.answers(200, r#"{"ok": true, "channel": "C01", "ts": "1.2"}"#);
        rig.control.carry_all().await;
        let root = rig.admin_secret();
        let now = rig.now().seconds();
        let taken = HashSet::new();
        let model = Model {
            now,
            dan_is_on: true,
            bob_is_in: true,
            requests,
            taken,
        };
        let mut world = Self {
            rig,
            root,
            model,
            sent: Vec::new(),
        };
        // Nobody may at first, so that there is something to send again once they may.
        world.take(&Step::SwitchOff(false)).await;
        world.take(&Step::Regroup(false)).await;
        (world, double)
    }

    async fn send(&mut self, message: Message) {
        let time = message.time.to_string();
        let (name, headers) = match message.by {
            Way::Webhook => ("hook", vec![("sluice-signature", message.header.as_str())]),
            Way::Button | Way::Dialog => {
                let signed = ("x-slack-signature", message.header.as_str());
                (
                    "chat",
                    vec![("x-slack-request-timestamp", time.as_str()), signed],
                )
            }
        };
        self.rig.hook(name, &headers, &message.body).await;
        self.model.hears(&message);
        self.sent.push(message);
    }

    /// A message as it is signed, or not signed well.
    fn written(&self, step: &Step) -> Message {
        let Step::Says {
            who,
            about,
            approves,
            signed,
            by,
        } = *step
        else {
            unreachable!("only messages are written");
        };
        let (id, nonce) = (&self.model.requests[about].id, self.sent.len());
        let person = PEOPLE[who].0;
        let decision = if approves { "approve" } else { "deny" };
        let slacks = |payload: Value| format!("payload={}", percent(&payload.to_string()));
        let action = json!({
            "action_id": format!("sluice_{decision}"), "block_id": "sluice_decide",
            "value": id, "action_ts": nonce.to_string(),
        });
        let body = match by {
            Way::Webhook => json!({"approval": id, "decision": decision, "user": person, "reason": nonce.to_string()})
                .to_string(),
            Way::Button => slacks(json!({
                "type": "block_actions", "user": {"id": person}, "trigger_id": "1.2",
                "actions": [action],
            })),
            Way::Dialog => slacks(json!({
                "type": "view_submission", "user": {"id": person}, "trigger_id": nonce.to_string(),
                "actions": [action],
                "view": {
                    "callback_id": format!("sluice_{decision}"), "private_metadata": id,
                    "state": {"values": {"sluice_reason": {"sluice_reason": {"value": nonce.to_string()}}}},
                },
            })),
        };
        let time = self.model.now
            + match signed {
                Signed::Stale => -301,
                Signed::Ahead => 301,
                Signed::Well | Signed::Forged => 0,
            };
        let forged = signed == Signed::Forged;
        let key = if forged { "guessed" } else { KEY };
        let header = match by {
            Way::Webhook => format!("t={time},v1={}", hmac_hex(key, &format!("{time}.{body}"))),
            Way::Button | Way::Dialog => {
                format!("v0={}", hmac_hex(key, &format!("v0:{time}:{body}")))
            }
        };
        Message {
            who,
            about,
            approves,
            forged,
            by,
            time,
            header,
            body,
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Says { .. } => {
                let message = self.written(step);
                self.send(message).await;
            }
            Step::Again(which) if !self.sent.is_empty() => {
                let message = self.sent[which % self.sent.len()].clone();
                self.send(message).await;
            }
            Step::Again(_) => {}
            Step::Wait(seconds) => {
                self.rig.advance(*seconds);
                self.model.now += seconds;
            }
            Step::SwitchOff(on) => {
                let act = if *on { "enable" } else { "disable" };
                let path = format!("/v1/principals/user:dan/{act}");
                self.rig
                    .call("post", &path, Some(&self.root), "127.0.0.1", "{}")
                    .await;
                self.model.dan_is_on = *on;
            }
            Step::Regroup(is_in) => {
                let groups = if *is_in { "dba" } else { "guests" };
                self.rig
                    .add(&format!("{{kind: User, name: bob, groups: [{groups}]}}"))
                    .await;
                self.model.bob_is_in = *is_in;
            }
            Step::Withdraw(which) => {
                let request = &mut self.model.requests[*which];
                self.rig.control.cancel_approval(&request.id).await;
                if matches!(
                    request.state,
                    ApprovalState::Pending | ApprovalState::Approved
                ) {
                    request.state = ApprovalState::Cancelled;
                }
            }
        }
    }

    async fn check(&self, step: &Step) {
        for expected in &self.model.requests {
            let got = self.rig.approval(&expected.id).await;
            assert_eq!(got.state, expected.state, "{step:?}: {expected:?}");
            let given: Vec<PrincipalId> = got.given.iter().map(|g| g.by.clone()).collect();
            let permitted: Vec<PrincipalId> = expected
                .given
                .iter()
                .map(|u| PrincipalId::user(*u))
                .collect();
            assert_eq!(given, permitted, "{step:?}: {expected:?}");
            let distinct: BTreeSet<&PrincipalId> = given.iter().collect();
            assert_eq!(distinct.len(), given.len());
        }
    }
}

#[test]
fn no_sequence_of_messages_approves_twice_late_by_the_requester_or_by_somebody_not_permitted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: SEQUENCES,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let steps = prop::collection::vec(step(), LENGTH);
    let outcome = runner.run(&steps, |steps| {
        runtime.block_on(async {
            let (mut world, _double) = World::new().await;
            for step in &steps {
                world.take(step).await;
                world.check(step).await;
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
