//! Rows and COPY data on their way to the client: masks are bound before the first of them, and a part is
//! kept for the record.

use super::back::out_of_place;
use super::capture::appended;
use super::catalog::Age;
use super::expect::{Expect, Running};
use super::refusal::Refusal;
use super::session::{End, Session};
use super::shape;
use crate::duplex::HIGH_WATER;
use bytes::{Buf, Bytes};
use sluice_protocol::postgres::backend::CopyShape;
use sluice_protocol::postgres::copy::{CopyEditor, CopyFormat};
use sluice_protocol::postgres::rows::{RowEditor, RowOutcome};
use sluice_protocol::postgres::types::Format;
use sluice_protocol::postgres::values::ColumnEdit;
use sluice_protocol::postgres::{BackendTag, frame};
use sluice_protocol::sql::{self, Effect};
use std::sync::Arc;

impl Session {
    pub(super) fn running(&mut self) -> Option<&mut Running> {
        match self.expect.front_mut() {
            Some(Expect::Execute(run)) => Some(run),
            Some(Expect::Query(runs)) => runs.front_mut(),
            _ => None,
        }
    }

    /// Binds the masks of the answer whose rows come next, unless that was done under these policies.
    pub(super) async fn prepare_rows(&mut self) -> Result<(), End> {
        let epoch = self.pipeline.epoch();
        let has_classes = self.pipeline.view().has_classes();
        let generation = self.analyst.generation();
        let Some(run) = self.running() else {
            return Err(out_of_place(BackendTag::DataRow));
        };
        if run.plan.as_ref().is_some_and(|plan| plan.epoch == epoch) {
            return Ok(());
        }
        if run.described.is_none()
            && let Some(portal) = &run.portal
        {
            run.described = portal.prepared.known_shape(generation).flatten();
        }
        let Some(described) = run.described.clone() else {
            if has_classes {
                return Err(End::Told(Refusal::internal(
                    "rows came without a shape to bind masks to; the answer is refused",
                )));
            }
            if run.rows == 0 {
                let formats = run.portal.as_ref().map(|portal| &portal.result_formats);
                run.capture.choose(formats);
            }
            return Ok(());
        };
        if !has_classes && run.rows > 0 {
            return Ok(());
        }
        self.bind_rows(&described).await
    }

    async fn bind_rows(&mut self, described: &Bytes) -> Result<(), End> {
        let has_classes = self.pipeline.view().has_classes();
        let Some(run) = self.running() else {
            return Err(out_of_place(BackendTag::RowDescription));
        };
        let analysis = Arc::clone(&run.analysis);
        let mut catalog = Arc::clone(&analysis.catalog);
        if has_classes
            && shape::unknown_tables(described, &catalog)
            && !self.analyst.changing_catalog
        {
            catalog = self
                .analyst
                .current(Age::Newest)
                .await
                .map_err(|error| End::Told(error.into()))?;
        }
        let plan =
            shape::bind(&analysis, &catalog, described, self.binding()).map_err(End::Told)?;
        let Some(run) = self.running() else {
            return Err(out_of_place(BackendTag::RowDescription));
        };
        if run.rows == 0 {
            let formats = run.portal.as_ref().map(|portal| &portal.result_formats);
            run.capture.describe(Arc::clone(&plan), formats);
        }
        run.editor = (!plan.clear).then(|| RowEditor::new(plan.edits_in(run.formats())));
        run.plan = Some(plan);
        Ok(())
    }

    /// Sends on every whole row that is there, masked.
    pub(super) fn on_rows(&mut self) -> Result<(), End> {
        let run = match self.expect.front_mut() {
            Some(Expect::Execute(run)) => run.as_mut(),
            Some(Expect::Query(runs)) => runs
                .front_mut()
                .ok_or_else(|| out_of_place(BackendTag::DataRow))?,
            _ => return Err(out_of_place(BackendTag::DataRow)),
        };
        let (inbox, outbox) = (&mut self.target.inbox, &mut self.client.outbox);
        let before = outbox.len();
        let mut taken = 0;
        while let Some(frame) = frame::peek::<BackendTag>(inbox.get(taken..).unwrap_or_default())? {
            if frame.tag != BackendTag::DataRow || outbox.len() >= HIGH_WATER {
                break;
            }
            let at = outbox.len();
            match &mut run.editor {
                None => {
                    if run.plan.as_ref().is_some_and(|plan| !plan.fits(frame.body)) {
                        let why = "a row does not have the columns of its shape";
                        return Err(End::Told(Refusal::internal(why)));
                    }
                    if run.capture.wants_more() {
                        run.capture.row(frame.body);
                    }
                    taken += frame.raw.len();
                    run.rows += 1;
                    // Rows that nothing is done to are sent on in one piece, once the next one is something else.
                    if taken >= HIGH_WATER {
                        break;
                    }
                    continue;
                }
                Some(editor) => {
                    let outcome = editor
                        .rewrite(frame.body, outbox)
                        .map_err(|error| End::Told(Refusal::internal(&error.to_string())))?;
                    if outcome == RowOutcome::Unchanged {
                        outbox.extend_from_slice(frame.raw);
                    }
                    if run.capture.wants_more() {
                        run.capture.row(appended(outbox, at));
                    }
                    taken += frame.raw.len();
                    run.rows += 1;
                }
            }
        }
        if run.editor.is_none() {
            outbox.extend_from_slice(inbox.get(..taken).unwrap_or_default());
        }
        run.bytes += (outbox.len() - before) as u64;
        inbox.advance(taken);
        Ok(())
    }

    pub(super) fn on_copy_out(
        &mut self,
        tag: BackendTag,
        copy: &CopyShape,
        raw: &Bytes,
    ) -> Result<(), End> {
        let has_classes = self.pipeline.view().has_classes();
        let columns = copy.columns.codes().len();
        let Some(run) = self.running() else {
            return Err(out_of_place(tag));
        };
        let analysis = Arc::clone(&run.analysis);
        if has_classes {
            let plan = shape::bind_copy(&analysis, columns, self.binding()).map_err(End::Told)?;
            let editor = if plan.clear {
                None
            } else {
                Some(copy_editor(analysis.effects(), copy, plan.edits_in(None))?)
            };
            let Some(run) = self.running() else {
                return Err(out_of_place(tag));
            };
            run.copy = editor;
            run.plan = Some(Arc::new(plan));
        }
        self.client.outbox.extend_from_slice(raw);
        Ok(())
    }

    /// Whether the masks of a COPY to the client were bound, under the policies of now. A COPY whose masks
    /// would change midway ends: half of it was sent already.
    fn check_copy(&mut self) -> Result<(), End> {
        if !self.pipeline.view().has_classes() {
            return Ok(());
        }
        let epoch = self.pipeline.epoch();
        let Some(run) = self.running() else {
            return Err(out_of_place(BackendTag::CopyData));
        };
        let Some(plan) = run.plan.clone() else {
            return Err(out_of_place(BackendTag::CopyData));
        };
        if plan.epoch == epoch {
            return Ok(());
        }
        let analysis = Arc::clone(&run.analysis);
        let now = shape::bind_copy(&analysis, plan.edits.len(), self.binding());
        let now = now.map_err(End::Told)?;
        if now.masked != plan.masked || now.clear != plan.clear {
            let why = "what may be seen changed while it was copied; the session ends";
            return Err(End::Told(Refusal::internal(why)));
        }
        if let Some(run) = self.running() {
            run.plan = Some(Arc::new(now));
        }
        Ok(())
    }

    /// Sends on every whole piece of COPY data that is there, masked.
    pub(super) fn on_copy_data(&mut self) -> Result<(), End> {
        self.check_copy()?;
        let tag = BackendTag::CopyData;
        let (inbox, outbox) = (&mut self.target.inbox, &mut self.client.outbox);
        let run = match self.expect.front_mut() {
            Some(Expect::Execute(run)) => run.as_mut(),
            Some(Expect::Query(runs)) => runs.front_mut().ok_or_else(|| out_of_place(tag))?,
            _ => return Err(out_of_place(tag)),
        };
        let (before, mut taken) = (outbox.len(), 0);
        while let Some(frame) = frame::peek::<BackendTag>(inbox.get(taken..).unwrap_or_default())? {
            let full = taken >= HIGH_WATER || outbox.len() >= HIGH_WATER;
            if frame.tag != tag || full {
                break;
            }
            taken += frame.raw.len();
            let at = outbox.len();
            match &mut run.copy {
                None => {
                    run.rows += 1;
                    if run.capture.wants_more() {
                        run.capture.copy(frame.body);
                    }
                }
                Some(editor) => {
                    run.rows += editor
                        .push(frame.body, outbox)
                        .map_err(|e| End::Told(Refusal::internal(&e.to_string())))?;
                    if run.capture.wants_more() {
                        run.capture.copy(appended(outbox, at));
                    }
                }
            }
        }
        if run.copy.is_none() {
            outbox.extend_from_slice(inbox.get(..taken).unwrap_or_default());
        }
        run.bytes += (outbox.len() - before) as u64;
        inbox.advance(taken);
        Ok(())
    }

    pub(super) fn on_copy_done(&mut self, tag: BackendTag, raw: &Bytes) -> Result<(), End> {
        let outbox = &mut self.client.outbox;
        let run = match self.expect.front_mut() {
            Some(Expect::Execute(run)) => run.as_mut(),
            Some(Expect::Query(runs)) => runs.front_mut().ok_or_else(|| out_of_place(tag))?,
            _ => return Err(out_of_place(tag)),
        };
        if let Some(editor) = &run.copy {
            editor
                .finish()
                .map_err(|e| End::Told(Refusal::internal(&e.to_string())))?;
        }
        outbox.extend_from_slice(raw);
        Ok(())
    }
}

/// The editor of a COPY to the client, from what its statement says about the format.
fn copy_editor(
    effects: &[Effect],
    copy: &CopyShape,
    edits: Vec<ColumnEdit>,
) -> Result<CopyEditor, End> {
    let said = effects.iter().find_map(|effect| match effect {
        Effect::CopyOut(format) => Some(format),
        _ => None,
    });
    let Some(said) = said else {
        return Err(End::Told(Refusal::internal(
            "the format of the copy is not known",
        )));
    };
    if copy.format == Format::Binary || said.encoding.is_some() {
        return Err(End::Told(
            Refusal::not_understood(
                "a binary copy, or one in another encoding, with columns that must be masked",
            )
            .hint("copy as text or csv"),
        ));
    }
    Ok(CopyEditor::new(copy_format(said)?, edits))
}

fn copy_format(said: &sql::CopyFormat) -> Result<CopyFormat, End> {
    let byte = |text: &Option<String>, default: u8| match text.as_ref().map(|t| t.as_bytes()) {
        None => Ok(default),
        Some([byte]) => Ok(*byte),
        Some(_) => Err(End::Told(Refusal::not_understood(
            "a copy with a separator that is not one byte",
        ))),
    };
    if said.format == "csv" {
        let quote = byte(&said.quote, b'"')?;
        return Ok(CopyFormat::Csv {
            delimiter: byte(&said.delimiter, b',')?,
            quote,
            escape: byte(&said.escape, quote)?,
            null: said.null.clone().unwrap_or_default(),
            header: said.header,
        });
    }
    Ok(CopyFormat::Text {
        delimiter: byte(&said.delimiter, b'\t')?,
        null: said.null.clone().unwrap_or_else(|| "\\N".to_owned()),
        header: said.header,
    })
}
