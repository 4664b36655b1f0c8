//! An answer's body on its way to the client, masked as it streams.

use super::answer::{self, Body, Unfit};
use super::call::Head;
use super::capture::Capture;
use super::ended::Back;
use super::refusal::Refusal;
use super::relay::Relay;
use super::wire::{Answer, Length, Part, Sink, Source, WireError};
use bytes::BytesMut;
use http::{HeaderMap, Method};
use sluice_policy::FieldPlan;
use std::time::Duration;

/// How long either side may say nothing in the middle of a body: events can be rare.
const BODY_SILENCE: Duration = Duration::from_secs(3600);
/// The longest body that is read whole so that its length can be told after masking.
const MEASURED: u64 = 64 * 1024;

/// An answer's body on its way.
pub struct Passing<'a> {
    /// The exchange.
    pub relay: &'a Relay<'a>,
    /// What it begins with.
    pub head: &'a Head,
    /// What is masked.
    pub plan: &'a FieldPlan,
    /// What is done to it.
    pub body: &'a mut Body,
    /// What is kept of it.
    pub capture: &'a mut Capture,
}

impl Passing<'_> {
    /// The second is whether the target's connection can be used again.
    pub async fn run(
        self,
        mut from: Source<'_>,
        answer: Answer<'_>,
        headers: HeaderMap,
    ) -> (Back, bool) {
        let masks = matches!(self.body, Body::Mask(_));
        let asks_head = self.relay.asked.method == Method::HEAD;
        let coded = self
            .head
            .headers
            .contains_key(http::header::CONTENT_ENCODING);
        let measured = masks
            && !(asks_head || coded || self.head.is_empty)
            && self.head.length.is_some_and(|n| n <= MEASURED);
        if measured {
            return self.measured(from, answer, headers).await;
        }
        let length = match (self.head.length, self.head.is_empty, masks) {
            (Some(length), _, false) => Length::Known(length),
            (None, true, false) => Length::None,
            _ => Length::Unknown,
        };
        let method = &self.relay.asked.method;
        let (mut sink, goes_on) = match answer.begin(method, self.head.status, headers, length) {
            Ok(begun) => begun,
            Err(error) => return (Back::Broken(error.to_string()), false),
        };
        let back = self.stream(&mut from, &mut sink, goes_on).await;
        (back, from.is_done())
    }

    async fn stream(self, from: &mut Source<'_>, sink: &mut Sink<'_>, goes_on: bool) -> Back {
        let broken = |sink: &mut Sink<'_>, why: String| {
            sink.break_off();
            Back::Broken(why)
        };
        if self.head.is_empty {
            return match sink.end(None).await {
                Ok(()) => Back::Done(goes_on),
                Err(_) => Back::Left,
            };
        }
        loop {
            let part = match from.ready() {
                Ok(Some(part)) => Ok(part),
                Ok(None) => {
                    if sink.flush().await.is_err() {
                        return Back::Left;
                    }
                    tokio::select! {
                        part = from.next(BODY_SILENCE) => part,
                        () = sink.given_up() => return Back::Left,
                    }
                }
                Err(error) => Err(error),
            };
            let (data, ends) = match part {
                Ok(Part::Data(data)) => {
                    let all = !from.is_ready();
                    (self.body.feed(data, all, self.capture), None)
                }
                Ok(Part::Trailers(fields)) => {
                    let fields = answer::trailers(
                        &fields,
                        self.plan,
                        self.relay.route.connection.strict_masking,
                    );
                    (self.body.finish(self.capture), Some(Some(fields)))
                }
                Ok(Part::End) => (self.body.finish(self.capture), Some(None)),
                Err(error) => {
                    sink.break_off();
                    return Back::BrokeOff(error);
                }
            };
            let data = match data {
                Ok(data) => data,
                Err(error) => return broken(sink, error.to_string()),
            };
            if !data.is_empty() && sink.data(data).await.is_err() {
                return Back::Left;
            }
            if let Some(trailers) = ends {
                return match sink.end(trailers).await {
                    Ok(()) => Back::Done(goes_on),
                    Err(WireError::Length) => {
                        broken(sink, "the answer is not as long as it says".into())
                    }
                    Err(_) => Back::Left,
                };
            }
        }
    }

    /// A short answer that is masked whole, so that its length can be told, and a refusal in its place.
    async fn measured(
        self,
        mut from: Source<'_>,
        answer: Answer<'_>,
        headers: HeaderMap,
    ) -> (Back, bool) {
        let mut whole = BytesMut::new();
        let read = async {
            let unfit = |error: Unfit| (error.to_string(), Back::Broken(error.to_string()));
            let broke = |error: WireError| (error.to_string(), Back::BrokeOff(error));
            while let Part::Data(data) = from.next(BODY_SILENCE).await.map_err(broke)? {
                let data = self.body.feed(data, false, self.capture);
                whole.extend_from_slice(&data.map_err(unfit)?);
            }
            let rest = self.body.finish(self.capture).map_err(unfit)?;
            whole.extend_from_slice(&rest);
            Ok::<(), (String, Back)>(())
        };
        let read = read.await;
        let method = &self.relay.asked.method;
        if let Err((why, back)) = read {
            let refusal = Refusal::bad_gateway(format!("the answer cannot be passed on: {why}"));
            let _ = refusal.tell(self.relay.asked, answer).await;
            return (back, false);
        }
        let length = Length::Known(whole.len() as u64);
        let sent = async {
            let (mut sink, goes_on) = answer.begin(method, self.head.status, headers, length)?;
            sink.data(whole.freeze()).await?;
            sink.end(None).await?;
            Ok::<bool, WireError>(goes_on)
        };
        match sent.await {
            Ok(goes_on) => (Back::Done(goes_on), from.is_done()),
            Err(_) => (Back::Left, false),
        }
    }
}
