//! Which expressions tell of a value even where their own value is masked: they fail, are NULL or give another
//! number of rows depending on it. What they draw on counts as searched.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AExpr, AExprKind, FuncCall, SubLinkType, TypeName, XmlExprOp, a_const::Val,
};

use super::tree::{each, inner, name};

/// Operators that give a value for any value of their left operand.
const CARRYING_OPERATORS: &[&str] = &["||", "->", "->>", "#>", "#>>"];

/// Types to which the text of any value fits.
const TEXT_TYPES: &[&str] = &["bpchar", "char", "citext", "name", "text", "varchar"];

/// Types whose names are casts when they are written as functions; their input fails for texts of another form.
const TYPES_AS_FUNCTIONS: &[&str] = &[
    "bit",
    "bool",
    "box",
    "bytea",
    "cidr",
    "circle",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "numeric",
    "oid",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "regclass",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "regnamespace",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tsquery",
    "tsvector",
    "uuid",
    "varbit",
    "xid",
    "xml",
];

/// The server's routines that give any number of rows.
const SET_RETURNING: &[&str] = &[
    "_pg_expandarray",
    "aclexplode",
    "generate_series",
    "generate_subscripts",
    "json_array_elements",
    "json_array_elements_text",
    "json_each",
    "json_each_text",
    "json_object_keys",
    "json_populate_recordset",
    "json_to_recordset",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_object_keys",
    "jsonb_populate_recordset",
    "jsonb_to_recordset",
    "pg_options_to_table",
    "regexp_matches",
    "regexp_split_to_table",
    "string_to_table",
    "ts_debug",
    "ts_parse",
    "ts_stat",
    "ts_token_type",
    "unnest",
];

/// The server's routines that fail or give NULL for some values and not for others: what compares with a pattern,
/// reads a text of a certain form, or computes where not everything has a result.
const CHOOSY: &[&str] = &[
    "acos",
    "array_position",
    "array_positions",
    "asin",
    "chr",
    "convert",
    "convert_from",
    "convert_to",
    "current_setting",
    "decode",
    "div",
    "exp",
    "factorial",
    "get_bit",
    "get_byte",
    "int2div",
    "int4div",
    "int8div",
    "ln",
    "log",
    "log10",
    "make_date",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "mod",
    "numeric_div",
    "numeric_mod",
    "pg_has_role",
    "pow",
    "power",
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_match",
    "regexp_split_to_array",
    "regexp_substr",
    "repeat",
    "set_bit",
    "set_byte",
    "sqrt",
    "starts_with",
    "to_date",
    "to_number",
    "to_timestamp",
    "width_bucket",
    "xpath",
    "xpath_exists",
];

/// Whole families: questions about privileges on what exists by a name, queries over documents (which carry
/// conditions of their own), and names made into what they stand for.
const CHOOSY_PREFIXES: &[&str] = &["has_", "jsonb_path_", "to_reg"];

/// Whether a node decides over its parts.
pub(crate) fn decides(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::AExpr(expr) => !carries(expr),
        NodeEnum::BoolExpr(_)
        | NodeEnum::BooleanTest(_)
        | NodeEnum::JsonFuncExpr(_)
        | NodeEnum::JsonParseExpr(_)
        | NodeEnum::JsonIsPredicate(_) => true,
        NodeEnum::TypeCast(cast) => !cast.type_name.as_ref().is_some_and(is_text),
        NodeEnum::FuncCall(call) => call.agg_distinct || is_choosy(call),
        NodeEnum::SubLink(link) => matches!(
            link.sub_link_type(),
            SubLinkType::AnySublink | SubLinkType::AllSublink
        ),
        NodeEnum::XmlExpr(expr) => {
            matches!(expr.op(), XmlExprOp::IsXmlparse | XmlExprOp::IsDocument)
        }
        _ => false,
    }
}

/// Whether an operator gives its left operand on, whatever that is.
fn carries(expr: &AExpr) -> bool {
    let operator = name(&expr.name);
    expr.kind() == AExprKind::AexprOp
        && CARRYING_OPERATORS.contains(&operator.name.as_str())
        && operator.schema.is_none_or(|schema| schema == "pg_catalog")
}

/// Whether the right operand decides even where the operator carries the left one: a key or path that a document
/// has or has not.
pub(crate) fn picks(expr: &AExpr) -> bool {
    name(&expr.name).name != "||"
}

fn is_text(to: &TypeName) -> bool {
    let type_name = name(&to.names);
    to.array_bounds.is_empty() && TEXT_TYPES.contains(&type_name.name.as_str())
}

fn is_choosy(call: &FuncCall) -> bool {
    let routine = name(&call.funcname).name;
    let routine = routine.as_str();
    [TYPES_AS_FUNCTIONS, SET_RETURNING, CHOOSY]
        .iter()
        .any(|names| names.contains(&routine))
        || CHOOSY_PREFIXES
            .iter()
            .any(|prefix| routine.starts_with(prefix))
        || (routine == "substring" && has_pattern(call))
}

/// Whether a call of `substring` is about a pattern rather than positions: then there is no match, or there is.
fn has_pattern(call: &FuncCall) -> bool {
    !call.args.iter().skip(1).all(|argument| {
        matches!(
            inner(Some(argument)),
            Some(NodeEnum::AConst(constant)) if matches!(constant.val, Some(Val::Ival(_)))
        )
    })
}

/// Whether a node in a list of outputs or values stands for any number of them: `t.*`, `(row).*`.
pub(crate) fn is_many(node: &NodeEnum) -> bool {
    let last = match node {
        NodeEnum::ColumnRef(column) => each(&column.fields).next_back(),
        NodeEnum::AIndirection(indirection) => each(&indirection.indirection).next_back(),
        _ => None,
    };
    matches!(last, Some(NodeEnum::AStar(_)))
}
