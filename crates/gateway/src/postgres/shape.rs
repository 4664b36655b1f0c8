//! Binds masks to the shape of an answer before its first row.

use super::analyst::{Analysis, columns_of, mentions};
use super::catalog::Catalog;
use super::refusal::Refusal;
use crate::edits;
use bytes::Bytes;
use sluice_model::{MaskedColumn, Origin, ShapeColumn, Timestamp};
use sluice_policy::SessionView;
use sluice_protocol::edit::FieldEdit;
use sluice_protocol::postgres::BackendTag;
use sluice_protocol::postgres::backend::{self, BackendMessage, FieldDescription};
use sluice_protocol::postgres::types::{Format, Formats};
use sluice_protocol::postgres::values::ColumnEdit;
use sluice_protocol::sql::{ColumnMention, Effect, Output};
use sluice_record::Rendered;
use std::sync::Arc;

/// Columns of the server's own statistics that hold values of other tables.
const SAMPLES: &[&str] = &[
    "most_common_vals",
    "most_common_elems",
    "histogram_bounds",
    "range_length_histogram",
    "range_bounds_histogram",
    "most_common_freqs",
    "stavalues1",
    "stavalues2",
    "stavalues3",
    "stavalues4",
    "stavalues5",
    "stxdmcv",
    "stxdexpr",
];

/// A mask plan for one shape, ready to be applied to rows in any format.
pub struct BoundPlan {
    /// How often the session had seen other policies when it was bound.
    pub epoch: u64,
    /// What it was bound to: the body of the RowDescription.
    pub described: Bytes,
    /// The columns' names.
    pub names: Arc<[String]>,
    /// The same for the record.
    pub names_json: Rendered<[String]>,
    /// What is done to each column, with the format that the description says.
    pub edits: Arc<[ColumnEdit]>,
    /// Nothing is done to any.
    pub clear: bool,
    /// The columns that are masked, for the record.
    pub masked: Arc<[MaskedColumn]>,
}

impl BoundPlan {
    /// The edits for rows in these formats.
    #[must_use]
    pub fn edits_in(&self, formats: Option<&Formats>) -> Vec<ColumnEdit> {
        let each = self.edits.iter().enumerate().map(|(index, edit)| {
            let format = formats.map_or(edit.format, |formats| formats.of(index));
            ColumnEdit {
                type_oid: edit.type_oid,
                format,
                edit: edit.edit.clone(),
            }
        });
        each.collect()
    }

    /// Whether the body of a DataRow has as many fields as the shape has columns.
    #[must_use]
    pub fn fits(&self, row: &[u8]) -> bool {
        let fields = row
            .first_chunk::<2>()
            .map(|count| u16::from_be_bytes(*count));
        fields.is_some_and(|fields| usize::from(fields) == self.edits.len())
    }
}

/// What a plan is bound under.
#[derive(Clone, Copy)]
pub struct Binding<'a> {
    /// The session's view of the policies.
    pub view: &'a SessionView,
    /// How often it has changed.
    pub epoch: u64,
    /// Now.
    pub now: Timestamp,
}

/// The table numbers in a RowDescription that the catalog does not know.
pub fn unknown_tables(described: &[u8], catalog: &Catalog) -> bool {
    match backend::parse(BackendTag::RowDescription, described) {
        Ok(BackendMessage::RowDescription(fields)) => fields
            .iter()
            .any(|f| f.table_oid != 0 && f.column > 0 && !catalog.knows(f.table_oid)),
        _ => false,
    }
}

/// Binds the masks of a statement to the shape that the target described.
///
/// # Errors
/// The shape cannot be read, or policy cannot tell what to do with it: the answer is refused.
pub fn bind(
    analysis: &Analysis,
    catalog: &Catalog,
    described: &Bytes,
    binding: Binding<'_>,
) -> Result<Arc<BoundPlan>, Refusal> {
    if let Some(known) = analysis.plan.lock().as_ref()
        && known.epoch == binding.epoch
        && known.described == *described
    {
        return Ok(Arc::clone(known));
    }
    let BackendMessage::RowDescription(fields) =
        backend::parse(BackendTag::RowDescription, described)?
    else {
        return Err(Refusal::internal("the shape of the answer cannot be read"));
    };
    let shape: Vec<ShapeColumn> = (0..)
        .zip(&fields)
        .map(|(index, field)| ShapeColumn {
            name: field.name.to_owned(),
            origin: origin(analysis, catalog, field, index, fields.len()),
        })
        .collect();
    let types = fields.iter().map(|f| (f.type_oid, f.format));
    let plan = Arc::new(make(&shape, types, described.clone(), binding)?);
    *analysis.plan.lock() = Some(Arc::clone(&plan));
    Ok(plan)
}

/// The type that COPY's values are edited as: texts, whatever the columns are, since COPY writes them so.
const TEXT_OID: u32 = 25;

/// Binds the masks of a COPY to the client. Its columns are those of the statement; the target only says
/// how many there are.
///
/// # Errors
/// Policy cannot tell what to do with them.
pub fn bind_copy(
    analysis: &Analysis,
    columns: usize,
    binding: Binding<'_>,
) -> Result<BoundPlan, Refusal> {
    let shape: Vec<ShapeColumn> = (0..columns)
        .map(|index| {
            let origin = computed(analysis, &analysis.catalog, index, columns);
            let (name, origin) = match (analysis.resolved.outputs.get(index), origin) {
                (Some(Output::Plain(plain)), Origin::Derived(from)) => {
                    match (plain.as_slice(), from.as_slice()) {
                        ([_], [(Some(schema), Some(table), column)]) => (
                            column.clone(),
                            Origin::Column {
                                schema: schema.clone(),
                                table: table.clone(),
                                column: column.clone(),
                            },
                        ),
                        _ => (String::new(), Origin::Derived(from)),
                    }
                }
                (_, origin) => (String::new(), origin),
            };
            ShapeColumn { name, origin }
        })
        .collect();
    make(
        &shape,
        shape.iter().map(|_| (TEXT_OID, Format::Text)),
        Bytes::new(),
        binding,
    )
}

/// Refuses a binary COPY to the client whose columns must be masked: its values can only be edited as text.
///
/// # Errors
/// It does.
pub fn check_binary_copy(analysis: &Analysis, binding: Binding<'_>) -> Result<(), Refusal> {
    let binary = analysis.effects().iter().any(
        |effect| matches!(effect, Effect::CopyOut(format) if format.format == "binary" || format.encoding.is_some()),
    );
    if !binary || !binding.view.has_classes() {
        return Ok(());
    }
    let outputs = &analysis.resolved.outputs;
    let clear = !outputs.is_empty() && bind_copy(analysis, outputs.len(), binding)?.clear;
    if clear {
        return Ok(());
    }
    Err(Refusal::not_understood(
        "a copy in binary, or in another encoding, with columns that must be masked",
    )
    .hint("copy as text or csv"))
}

fn make(
    shape: &[ShapeColumn],
    types: impl Iterator<Item = (u32, Format)>,
    described: Bytes,
    binding: Binding<'_>,
) -> Result<BoundPlan, Refusal> {
    let plan = binding
        .view
        .bind_mask(shape, binding.now)
        .map_err(|denial| Refusal::denied(&denial, &binding.view.session().connection.name))?;
    if plan.columns.len() != shape.len() {
        return Err(Refusal::internal(
            "the mask does not fit the shape of the answer",
        ));
    }
    let edits: Vec<ColumnEdit> = plan
        .columns
        .iter()
        .zip(types)
        .map(|(column, (type_oid, format))| ColumnEdit {
            type_oid,
            format,
            edit: edits::of_plan(column, &plan.scan),
        })
        .collect();
    let names: Arc<[String]> = shape.iter().map(|c| c.name.clone()).collect();
    let names_json = Rendered::new(&*names)
        .map_err(|_| Refusal::internal("the names of the answer's columns are too long"))?;
    Ok(BoundPlan {
        epoch: binding.epoch,
        described,
        names,
        names_json,
        clear: edits.iter().all(|e| matches!(e.edit, FieldEdit::Clear)),
        edits: edits.into(),
        masked: plan.masked.into(),
    })
}

fn origin(
    analysis: &Analysis,
    catalog: &Catalog,
    field: &FieldDescription<'_>,
    index: usize,
    columns: usize,
) -> Origin {
    if field.table_oid == 0 || field.column == 0 {
        return computed(analysis, catalog, index, columns);
    }
    if field.column < 0 {
        // ctid, tableoid and such: where a row is, not what it says.
        return Origin::Derived(Vec::new());
    }
    match catalog.column(field.table_oid, field.column) {
        Some(("pg_catalog", _, column)) if SAMPLES.contains(&column) => Origin::Unknown,
        Some((schema, table, column)) => Origin::Column {
            schema: schema.to_owned(),
            table: table.to_owned(),
            column: column.to_owned(),
        },
        None => Origin::Unknown,
    }
}

/// The origin of a column that the server calls computed: by its place among the statement's outputs, or,
/// where places cannot be told, everything that any output may carry.
fn computed(analysis: &Analysis, catalog: &Catalog, index: usize, columns: usize) -> Origin {
    let resolved = &analysis.resolved;
    let statement_kind = analysis.get().map_or("", |s| s.kind);
    if resolved.outputs.is_empty() {
        // SHOW and EXPLAIN tell of settings and plans; anything else without outputs is not understood.
        let harmless = matches!(statement_kind, "SHOW" | "EXPLAIN");
        return if harmless {
            Origin::Derived(Vec::new())
        } else {
            Origin::Unknown
        };
    }
    if !resolved.star && resolved.outputs.len() == columns {
        return match resolved.outputs.get(index).map(mentions) {
            Some((from, true)) => derived(from, catalog),
            _ => Origin::Unknown,
        };
    }
    if resolved.outputs.iter().all(|output| mentions(output).1) {
        derived(&resolved.carried, catalog)
    } else {
        Origin::Unknown
    }
}

fn derived(from: &[ColumnMention], catalog: &Catalog) -> Origin {
    let mut columns = Vec::new();
    for (schema, table, column) in from.iter().flat_map(|m| columns_of(m, catalog)) {
        match column {
            Some(column) => columns.push((schema, table, column)),
            None => return Origin::Unknown,
        }
    }
    Origin::Derived(columns)
}
