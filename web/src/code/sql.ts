// SQL as PostgreSQL writes it. Coloured are the words that make up statements; the library's own list also has every
// word that any standard ever set aside, among them the commonest names of columns (`id`, `name`, `value`).
import { PostgreSQL, SQLDialect } from "@codemirror/lang-sql";

const KEYWORDS = `
  add all alter analyze and any as asc authorization begin between both by call cascade case cast check close collate
  column comment commit conflict constraint copy create cross current_date current_role current_time current_timestamp
  current_user cursor database deallocate declare default deferrable delete desc distinct do drop else end except execute
  exists explain extension false fetch for foreign from full function grant group having if ilike in index inner insert
  intersect into is isnull join lateral leading left like limit listen lock materialized merge natural not nothing notify
  notnull null offset on only or order outer over partition preceding prepare primary procedure recursive references
  refresh reindex release rename replace reset restrict returning returns revoke right rollback savepoint schema select
  sequence session_user set show similar some table temp temporary then to trailing trigger true truncate unbounded union
  unique unlisten update using vacuum values variadic verbose view when where window with
`;

export const sqlLanguage = SQLDialect.define({
  ...PostgreSQL.spec,
  keywords: KEYWORDS.trim().split(/\s+/).join(" "),
}).language;
