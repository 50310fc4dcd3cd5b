/*-------------------------------------------------------------------------
 *
 * lintrules.h
 *		The rules of lint, one row each.
 *
 * LINT_RULE(id, section, name, derivation, optional, matches, hint): the file is
 * included with that macro defined, for the numbers of the rules (lint.h) and for
 * their table (lintrule.c).
 *
 *-------------------------------------------------------------------------
 */

/* A. Indexes and constraints */
LINT_RULE(REQUIRE_CONCURRENT_INDEX_CREATION, 'A', "require-concurrent-index-creation", LINT_BY_LOCK, false,
		  "CREATE INDEX without CONCURRENTLY on a table that is there",
		  "Use CREATE INDEX CONCURRENTLY in a migration with \"-- migrate: no-transaction\", and see that the index is valid afterwards.")
LINT_RULE(REQUIRE_CONCURRENT_INDEX_DELETION, 'A', "require-concurrent-index-deletion", LINT_BY_LOCK, false,
		  "DROP INDEX without CONCURRENTLY",
		  "Use DROP INDEX CONCURRENTLY in a migration with \"-- migrate: no-transaction\".")
LINT_RULE(PARTITIONED_INDEX_ON_PARENT, 'A', "partitioned-index-on-parent", LINT_BY_LOCK, false,
		  "CREATE INDEX on a partitioned table and all its partitions",
		  "Create the index ON ONLY the parent, build one CONCURRENTLY on each partition, then ALTER INDEX ... ATTACH PARTITION.")
LINT_RULE(REQUIRE_CONCURRENT_REINDEX, 'A', "require-concurrent-reindex", LINT_BY_LOCK, false,
		  "REINDEX without CONCURRENTLY",
		  "Use REINDEX ... CONCURRENTLY in a migration with \"-- migrate: no-transaction\".")
LINT_RULE(BAN_CONCURRENT_INDEX_CREATION_IN_TRANSACTION, 'A', "ban-concurrent-index-creation-in-transaction", LINT_BY_PROOF, false,
		  "a statement that cannot run in a transaction",
		  "Put the statement into a migration of its own, with \"-- migrate: no-transaction\".")
LINT_RULE(ADDING_FOREIGN_KEY_CONSTRAINT, 'A', "adding-foreign-key-constraint", LINT_BY_LOCK, false,
		  "a foreign key that all rows are checked for",
		  "Add it NOT VALID, and VALIDATE CONSTRAINT in a later migration.")
LINT_RULE(CONSTRAINT_MISSING_NOT_VALID, 'A', "constraint-missing-not-valid", LINT_BY_LOCK, false,
		  "ADD CHECK without NOT VALID",
		  "Add it NOT VALID, and VALIDATE CONSTRAINT in a later migration.")
LINT_RULE(NOT_VALID_VALIDATE_SAME_TRANSACTION, 'A', "not-valid-validate-same-transaction", LINT_BY_LOCK, false,
		  "VALIDATE CONSTRAINT while an earlier statement locks the table strongly",
		  "Validate in a later migration, applied by a call of its own.")
LINT_RULE(DISALLOWED_UNIQUE_CONSTRAINT, 'A', "disallowed-unique-constraint", LINT_BY_LOCK, false,
		  "ADD UNIQUE without USING INDEX",
		  "Create a unique index CONCURRENTLY first, then ADD CONSTRAINT ... UNIQUE USING INDEX.")
LINT_RULE(ADDING_SERIAL_PRIMARY_KEY_FIELD, 'A', "adding-serial-primary-key-field", LINT_BY_LOCK, false,
		  "ADD PRIMARY KEY without USING INDEX",
		  "Make the columns NOT NULL and create a unique index CONCURRENTLY first, then ADD PRIMARY KEY USING INDEX.")
LINT_RULE(PRIMARY_KEY_USING_NULLABLE_INDEX, 'A', "primary-key-using-nullable-index", LINT_BY_LOCK, false,
		  "PRIMARY KEY USING an INDEX whose columns may be NULL",
		  "Make the columns NOT NULL first, by way of a CHECK (... IS NOT NULL) that was added NOT VALID and validated.")
LINT_RULE(ADDING_EXCLUSION_CONSTRAINT, 'A', "adding-exclusion-constraint", LINT_BY_LOCK, false,
		  "ADD EXCLUDE",
		  "It can neither be added NOT VALID nor use an index that is there: make a new table and swap, or choose a quiet time.")
LINT_RULE(FOREIGN_KEY_MISSING_INDEX, 'A', "foreign-key-missing-index", LINT_BY_ADVICE, false,
		  "a foreign key whose columns no usable index begins with",
		  "Create an index on the columns first.")
LINT_RULE(MULTIPLE_FOREIGN_KEYS_IN_TRANSACTION, 'A', "multiple-foreign-keys-in-transaction", LINT_BY_ADVICE, false,
		  "foreign keys to more than one table in a script",
		  "Add one foreign key in each migration.")
LINT_RULE(INVALID_INDEX_LEFT_BEHIND, 'A', "invalid-index-left-behind", LINT_BY_BREAK, false,
		  "CREATE INDEX IF NOT EXISTS that meets an invalid index",
		  "Drop it first, or REINDEX INDEX CONCURRENTLY.")
LINT_RULE(REDUNDANT_INDEX, 'A', "redundant-index", LINT_BY_ADVICE, false,
		  "an index that another one begins with",
		  "Drop the one that says less.")
LINT_RULE(REQUIRE_EXPLICIT_OBJECT_NAME, 'A', "require-explicit-object-name", LINT_BY_ADVICE, false,
		  "an index or constraint without a name",
		  "Name it, so that later migrations can refer to it and a second run does not make another.")

/* B. Columns and types */
LINT_RULE(ADDING_FIELD_WITH_DEFAULT, 'B', "adding-field-with-default", LINT_BY_LOCK, false,
		  "ADD COLUMN with a volatile DEFAULT",
		  "Add the column without the default, SET DEFAULT in a statement of its own, and fill the rows that are there in batches outside of the migration.")
LINT_RULE(ADDING_STORED_GENERATED_COLUMN, 'B', "adding-stored-generated-column", LINT_BY_LOCK, false,
		  "ADD COLUMN GENERATED ... STORED, or SET EXPRESSION",
		  "Add a plain column, fill new rows by a trigger and the others in batches; from PostgreSQL 18 on, a VIRTUAL column costs nothing.")
LINT_RULE(ADDING_IDENTITY_OR_SERIAL_COLUMN, 'B', "adding-identity-or-serial-column", LINT_BY_LOCK, false,
		  "ADD COLUMN of a serial type or GENERATED AS IDENTITY",
		  "Add a plain bigint column, create a sequence, SET DEFAULT nextval(...), and number the rows that are there in batches.")
LINT_RULE(ADDING_CONSTRAINED_DOMAIN_COLUMN, 'B', "adding-constrained-domain-column", LINT_BY_LOCK, false,
		  "ADD COLUMN of a domain with constraints, even without a default",
		  "Use the type that the domain is over, and a CHECK that is added NOT VALID and validated in a later migration.")
LINT_RULE(ADDING_REQUIRED_FIELD, 'B', "adding-required-field", LINT_BY_PROOF, false,
		  "ADD COLUMN NOT NULL without a default, on a table with rows",
		  "Give a constant DEFAULT, or add the column without NOT NULL, fill it in batches, and SET NOT NULL in a later migration.")
LINT_RULE(ADDING_NOT_NULLABLE_FIELD, 'B', "adding-not-nullable-field", LINT_BY_LOCK, false,
		  "SET NOT NULL on a column that no valid CHECK proves",
		  "Add CHECK (... IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in a later migration, then SET NOT NULL, which reads nothing any more, and drop the CHECK.")
LINT_RULE(SET_NOT_NULL_WILL_FAIL, 'B', "set-not-null-will-fail", LINT_BY_PROOF, false,
		  "NOT NULL for a column that has NULLs",
		  "Fill the column first, in batches.")
LINT_RULE(UNIQUE_WILL_FAIL, 'B', "unique-will-fail", LINT_BY_PROOF, false,
		  "a unique index on columns whose values repeat",
		  "Remove the duplicates first; to see them, SELECT the columns, GROUP BY them, HAVING count(*) > 1.")
LINT_RULE(NEW_CONSTRAINT_BREAKS_OLD_WRITERS, 'B', "new-constraint-breaks-old-writers", LINT_BY_BREAK, false,
		  "a constraint on columns that are written already",
		  "Deploy what writes valid rows first, or set a default, and add the constraint in a later migration.")
LINT_RULE(CHANGING_COLUMN_TYPE, 'B', "changing-column-type", LINT_BY_LOCK, false,
		  "ALTER COLUMN TYPE that writes the rows again",
		  "Add a column of the new type, write both from a trigger, fill it in batches, then rename.")
LINT_RULE(TYPE_CHANGE_REBUILDS_INDEX, 'B', "type-change-rebuilds-index", LINT_BY_LOCK, false,
		  "ALTER COLUMN TYPE that leaves the rows, but not the indexes",
		  "Drop the index first, and create it CONCURRENTLY afterwards in a migration with \"-- migrate: no-transaction\".")
LINT_RULE(TYPE_CHANGE_RECHECKS_CONSTRAINT, 'B', "type-change-rechecks-constraint", LINT_BY_LOCK, false,
		  "ALTER COLUMN TYPE that leaves the rows of a column with a CHECK",
		  "Drop the CHECK first, change the type, add the CHECK NOT VALID, and VALIDATE CONSTRAINT in a later migration.")
LINT_RULE(TYPE_CHANGE_BLOCKED_BY_DEPENDENTS, 'B', "type-change-blocked-by-dependents", LINT_BY_PROOF, false,
		  "ALTER COLUMN TYPE of a column that a view, rule, policy, trigger, function, publication or generated column uses, or of a table whose row type is stored",
		  "Drop what uses the column first, and create it again after the change, in the same migration.")
LINT_RULE(BAN_DROP_COLUMN, 'B', "ban-drop-column", LINT_BY_LOSS, false,
		  "DROP COLUMN",
		  "Deploy what does not name the column any more first.")
LINT_RULE(BAN_DROP_NOT_NULL, 'B', "ban-drop-not-null", LINT_BY_BREAK, false,
		  "DROP NOT NULL",
		  "Deploy what can read NULL first.")
LINT_RULE(RENAMING_COLUMN, 'B', "renaming-column", LINT_BY_BREAK, false,
		  "RENAME COLUMN",
		  "Add a column of the new name and write both until nothing names the old one, or rename the table, too, and put a view with the old names in its place.")
LINT_RULE(CHANGING_COLUMN_DEFAULT, 'B', "changing-column-default", LINT_BY_BREAK, false,
		  "SET DEFAULT or DROP DEFAULT",
		  "Keep the old default until all that writes to the table knows the new one.")
LINT_RULE(BAN_CHAR_FIELD, 'B', "ban-char-field", LINT_BY_ADVICE, true,
		  "a column of type char(n)",
		  "Use text, with CHECK (char_length(...) <= n) if there has to be a limit.")
LINT_RULE(PREFER_TEXT_FIELD, 'B', "prefer-text-field", LINT_BY_ADVICE, true,
		  "a column of type varchar(n)",
		  "Use text with CHECK (char_length(...) <= n), which can be changed without a rewrite.")
LINT_RULE(TEXT_COLUMN_WITHOUT_LIMIT, 'B', "text-column-without-limit", LINT_BY_ADVICE, true,
		  "a column of type text or varchar without a CHECK",
		  "Add CHECK (char_length(...) <= n).")
LINT_RULE(PREFER_TIMESTAMP_TZ, 'B', "prefer-timestamp-tz", LINT_BY_ADVICE, false,
		  "a column of type timestamp",
		  "Use timestamptz.")
LINT_RULE(PREFER_BIGINT_OVER_INT, 'B', "prefer-bigint-over-int", LINT_BY_ADVICE, false,
		  "a primary key, serial or identity column of type integer",
		  "Use bigint.")
LINT_RULE(PREFER_BIGINT_OVER_SMALLINT, 'B', "prefer-bigint-over-smallint", LINT_BY_ADVICE, false,
		  "a column of type smallint",
		  "Use bigint, or integer if it can never run out.")
LINT_RULE(PREFER_IDENTITY, 'B', "prefer-identity", LINT_BY_ADVICE, false,
		  "a column of a serial type",
		  "Use bigint GENERATED ALWAYS AS IDENTITY.")
LINT_RULE(BAN_JSON_COLUMN, 'B', "ban-json-column", LINT_BY_ADVICE, false,
		  "a column of type json",
		  "Use jsonb.")
LINT_RULE(NULLABLE_BOOLEAN_COLUMN, 'B', "nullable-boolean-column", LINT_BY_ADVICE, true,
		  "a boolean column that may be NULL",
		  "Add NOT NULL, and a DEFAULT.")
LINT_RULE(WIDE_TABLE_ADD_COLUMN, 'B', "wide-table-add-column", LINT_BY_ADVICE, false,
		  "ADD COLUMN on a table with very many columns",
		  "Put the column into a table of its own that refers to this one.")
LINT_RULE(COLUMN_ALIGNMENT_PADDING, 'B', "column-alignment-padding", LINT_BY_ADVICE, true,
		  "CREATE TABLE in an order of columns that leaves gaps",
		  "Put columns of 8 bytes first, then those of 4, 2 and 1, and those of any length last.")

/* C. Tables and schemas */
LINT_RULE(BAN_DROP_TABLE, 'C', "ban-drop-table", LINT_BY_LOSS, false,
		  "DROP TABLE",
		  "Release code that does not use the table first, and drop it in a later migration.")
LINT_RULE(DROP_TABLE_LOCKS_REFERENCED, 'C', "drop-table-locks-referenced", LINT_BY_LOCK, false,
		  "a DROP of a table or constraint that also locks the table at the other end of a foreign key",
		  "Drop the foreign keys first, each in a migration of its own.")
LINT_RULE(DROPPING_CONSTRAINT, 'C', "dropping-constraint", LINT_BY_BREAK, false,
		  "DROP CONSTRAINT",
		  "Add what replaces it first, in the same ALTER TABLE or an earlier migration.")
LINT_RULE(RENAMING_TABLE, 'C', "renaming-table", LINT_BY_BREAK, false,
		  "another name or schema for a table, view or sequence",
		  "Create a view of the old name in the same script, and drop it when nobody uses it any more.")
LINT_RULE(RENAMING_SCHEMA, 'C', "renaming-schema", LINT_BY_BREAK, false,
		  "ALTER SCHEMA ... RENAME",
		  "Create a new schema, and move one object after the other with ALTER ... SET SCHEMA.")
LINT_RULE(BAN_DROP_SCHEMA, 'C', "ban-drop-schema", LINT_BY_LOSS, false,
		  "DROP SCHEMA of one that is not empty",
		  "Drop what is in it by name, one migration after the other, and the empty schema last.")
LINT_RULE(BAN_DROP_DATABASE, 'C', "ban-drop-database", LINT_BY_LOSS, false,
		  "DROP DATABASE",
		  "Leave that to who runs the server: no migration can be rolled back after it.")
LINT_RULE(BAN_TRUNCATE, 'C', "ban-truncate", LINT_BY_LOSS, false,
		  "TRUNCATE",
		  "DELETE in batches outside of migrations, if others use the table meanwhile.")
LINT_RULE(BAN_TRUNCATE_CASCADE, 'C', "ban-truncate-cascade", LINT_BY_LOSS, false,
		  "TRUNCATE ... CASCADE that empties more than it names",
		  "Name all tables that are to be emptied, and leave out CASCADE.")
LINT_RULE(DESTRUCTIVE_CASCADE, 'C', "destructive-cascade", LINT_BY_LOSS, false,
		  "DROP ... CASCADE that takes more than it names",
		  "Drop what depends on it by name first, and leave out CASCADE.")
LINT_RULE(DROP_AND_RECREATE_TABLE, 'C', "drop-and-recreate-table", LINT_BY_LOSS, false,
		  "a table made in the place of one that was dropped",
		  "Use ALTER TABLE, or make the new table beside the old one, copy the rows, and swap the names.")
LINT_RULE(SET_LOGGED_UNLOGGED, 'C', "set-logged-unlogged", LINT_BY_LOCK, false,
		  "SET LOGGED or UNLOGGED that changes something",
		  "Make a new table, copy the rows in batches, and swap the names.")
LINT_RULE(SET_TABLESPACE, 'C', "set-tablespace", LINT_BY_LOCK, false,
		  "SET TABLESPACE that changes something",
		  "Move it at a quiet time, or with pg_repack --tablespace; an index: build another one there CONCURRENTLY.")
LINT_RULE(SET_ACCESS_METHOD, 'C', "set-access-method", LINT_BY_LOCK, false,
		  "SET ACCESS METHOD that changes something",
		  "Make a new table USING the access method, copy the rows in batches, and swap the names.")
LINT_RULE(PREFER_REPACK, 'C', "prefer-repack", LINT_BY_LOCK, false,
		  "VACUUM FULL or CLUSTER",
		  "Use pg_repack or pg_squeeze, which let others read and write meanwhile.")
LINT_RULE(EXPLICIT_LOCK_TABLE, 'C', "explicit-lock-table", LINT_BY_LOCK, false,
		  "LOCK TABLE in a mode that writes wait for",
		  "Leave it out: statements take what locks they need.")
LINT_RULE(REPLICA_IDENTITY_CHANGE, 'C', "replica-identity-change", LINT_BY_BREAK, false,
		  "REPLICA IDENTITY FULL, or NOTHING of a published table",
		  "Use a primary key, or REPLICA IDENTITY USING INDEX with a unique index on NOT NULL columns.")
LINT_RULE(DISABLING_AUTOVACUUM, 'C', "disabling-autovacuum", LINT_BY_ADVICE, false,
		  "autovacuum_enabled = false",
		  "Set autovacuum_vacuum_cost_delay or autovacuum_vacuum_scale_factor instead.")
LINT_RULE(CREATE_TABLE_AS_SELECT, 'C', "create-table-as-select", LINT_BY_ADVICE, false,
		  "CREATE TABLE AS or SELECT INTO from a table with rows",
		  "CREATE TABLE with its constraints, then INSERT in batches outside of migrations.")
LINT_RULE(REQUIRE_TABLE_SCHEMA, 'C', "require-table-schema", LINT_BY_ADVICE, true,
		  "the name of a relation without its schema",
		  "Write the schema in front of the name, or give the script a \"-- migrate: search_path\".")
LINT_RULE(IDENTIFIER_TOO_LONG, 'C', "identifier-too-long", LINT_BY_ADVICE, false,
		  "a name that the server cuts off",
		  "Choose a shorter name, so that it cannot be taken for another one.")
LINT_RULE(NAMING_CONVENTION, 'C', "naming-convention", LINT_BY_ADVICE, true,
		  "a name unlike what migrate.lint_naming says",
		  "Choose another name; migrate.lint_naming has a regular expression for each kind.")

/* D. Triggers, security, views, functions, domains, enums */
LINT_RULE(CREATING_TRIGGER, 'D', "creating-trigger", LINT_BY_LOCK, false,
		  "CREATE TRIGGER on a table that is there",
		  "Make it the last statement of the migration.")
LINT_RULE(DROPPING_TRIGGER, 'D', "dropping-trigger", LINT_BY_LOCK, false,
		  "DROP TRIGGER",
		  "Make it the last statement of the migration.")
LINT_RULE(DISABLING_TRIGGER, 'D', "disabling-trigger", LINT_BY_BREAK, false,
		  "ENABLE or DISABLE TRIGGER that changes something",
		  "Disable USER triggers rather than ALL, and enable them again in the same script.")
LINT_RULE(ROW_SECURITY_CHANGE, 'D', "row-security-change", LINT_BY_BREAK, false,
		  "row security on or off, or a policy of a table where it is on",
		  "Create the policies in the same script, and try the queries of each role that uses the table.")
LINT_RULE(OVERBROAD_GRANT, 'D', "overbroad-grant", LINT_BY_BREAK, false,
		  "GRANT ... TO PUBLIC",
		  "Grant to a role, and make those who need it members.")
LINT_RULE(REQUIRE_CONCURRENT_REFRESH, 'D', "require-concurrent-refresh", LINT_BY_LOCK, false,
		  "REFRESH MATERIALIZED VIEW without CONCURRENTLY of one that has been filled",
		  "Create a unique index on columns of it, then REFRESH MATERIALIZED VIEW CONCURRENTLY.")
LINT_RULE(FUNCTION_VOLATILITY_CHANGE, 'D', "function-volatility-change", LINT_BY_BREAK, false,
		  "another volatility for a function in use",
		  "Create a function of another name, and move what uses it there; REINDEX indexes of which the results change.")
LINT_RULE(DROPPING_DEPENDED_FUNCTION, 'D', "dropping-depended-function", LINT_BY_BREAK, false,
		  "DROP FUNCTION of one in use",
		  "Change what uses it first, or use CREATE OR REPLACE FUNCTION.")
LINT_RULE(BAN_CREATE_DOMAIN_WITH_CONSTRAINT, 'D', "ban-create-domain-with-constraint", LINT_BY_ADVICE, false,
		  "CREATE DOMAIN with CHECK or NOT NULL",
		  "Use the plain type, and a CHECK of each table.")
LINT_RULE(BAN_ALTER_DOMAIN_WITH_ADD_CONSTRAINT, 'D', "ban-alter-domain-with-add-constraint", LINT_BY_LOCK, false,
		  "ALTER DOMAIN ... ADD CHECK or SET NOT NULL that reads tables",
		  "ALTER DOMAIN ... ADD CONSTRAINT ... NOT VALID, and VALIDATE CONSTRAINT in a later migration.")
LINT_RULE(OPAQUE_DYNAMIC_SQL, 'D', "opaque-dynamic-sql", LINT_BY_ADVICE, false,
		  "a DO block, CALL, EXECUTE, or SELECT of a function that may change things",
		  "Write plain SQL where you can; rehearse the migration to see what it does.")
LINT_RULE(REQUIRE_ENUM_VALUE_ORDERING, 'D', "require-enum-value-ordering", LINT_BY_ADVICE, false,
		  "ADD VALUE without BEFORE or AFTER",
		  "Say where it sorts, with BEFORE or AFTER.")
LINT_RULE(ENUM_VALUE_USED_IN_SAME_TRANSACTION, 'D', "enum-value-used-in-same-transaction", LINT_BY_PROOF, false,
		  "an enum value that is used in the transaction that adds it",
		  "Use the value in a later migration, applied by a call of its own.")
LINT_RULE(RENAMING_ENUM_VALUE, 'D', "renaming-enum-value", LINT_BY_BREAK, false,
		  "RENAME VALUE",
		  "Add a new value, release code that knows both, and change the rows.")
LINT_RULE(CREATING_ENUM, 'D', "creating-enum", LINT_BY_ADVICE, true,
		  "CREATE TYPE ... AS ENUM",
		  "Use a table of the values and a foreign key.")

/* E. Partitions */
LINT_RULE(REQUIRE_CONCURRENT_PARTITION_DETACH, 'E', "require-concurrent-partition-detach", LINT_BY_LOCK, false,
		  "DETACH PARTITION without CONCURRENTLY",
		  "Use DETACH PARTITION ... CONCURRENTLY in a migration with \"-- migrate: no-transaction\"; the table must not have a default partition then.")
LINT_RULE(ATTACH_PARTITION_VALIDATION, 'E', "attach-partition-validation", LINT_BY_LOCK, false,
		  "ATTACH PARTITION for which rows are checked",
		  "Add a CHECK that says the same as the bound, NOT VALID, and validate it first; to the default partition one that says the opposite.")
LINT_RULE(CREATE_PARTITION_OF_LOCKS_PARENT, 'E', "create-partition-of-locks-parent", LINT_BY_LOCK, false,
		  "CREATE TABLE ... PARTITION OF",
		  "Use CREATE TABLE ... (LIKE ... INCLUDING ALL), then ALTER TABLE ... ATTACH PARTITION, which lets reads and writes go on.")
LINT_RULE(PARTITION_STRATEGY_MISMATCH, 'E', "partition-strategy-mismatch", LINT_BY_PROOF, false,
		  "a bound that does not go with how the table is partitioned",
		  "Write the bound as FOR VALUES FROM ... TO (range), IN (list) or WITH (MODULUS ..., REMAINDER ...) (hash), as the table has it.")
LINT_RULE(PARTITION_FAN_OUT, 'E', "partition-fan-out", LINT_BY_LOCK, false,
		  "a statement on a partitioned table that locks all partitions",
		  "Do it partition by partition where the statement can be used with ONLY, or choose a quiet time.")

/* F. Transactions, timeouts, data, process, live state */
LINT_RULE(REQUIRE_LOCK_TIMEOUT, 'F', "require-lock-timeout", LINT_BY_ADVICE, false,
		  "a strong lock where no lock_timeout is in force",
		  "Set migrate.lock_timeout, or write \"-- migrate: lock_timeout = 2s\" into the script.")
LINT_RULE(REQUIRE_STATEMENT_TIMEOUT, 'F', "require-statement-timeout", LINT_BY_ADVICE, false,
		  "slow work where no statement_timeout is in force",
		  "SET statement_timeout in the session before calling migrate_apply().")
LINT_RULE(INEFFECTIVE_TIMEOUT, 'F', "ineffective-timeout", LINT_BY_ADVICE, false,
		  "a timeout that is off, long, too late or without effect",
		  "Write \"-- migrate: lock_timeout = 2s\" into the script, and SET statement_timeout before calling migrate_apply().")
LINT_RULE(STATEMENT_AFTER_ACCESS_EXCLUSIVE, 'F', "statement-after-access-exclusive", LINT_BY_LOCK, false,
		  "going through rows while an earlier statement keeps everybody from a table",
		  "Put the statement before the one that locks the table, or into another migration.")
LINT_RULE(LOCKS_MULTIPLE_TABLES, 'F', "locks-multiple-tables", LINT_BY_LOCK, false,
		  "strong locks on more than one table",
		  "Put each table into a migration of its own.")
LINT_RULE(MULTIPLE_ALTER_TABLE_SAME_TABLE, 'F', "multiple-alter-table-same-table", LINT_BY_ADVICE, false,
		  "a second ALTER TABLE that goes through all rows",
		  "Combine them: ALTER TABLE ... ADD ..., ALTER ..., with commas.")
LINT_RULE(TRANSACTION_NESTING, 'F', "transaction-nesting", LINT_BY_PROOF, false,
		  "a statement that would end, split or outlive the transaction of the migration",
		  "Remove it: migrate_apply() begins and ends the transaction.")
LINT_RULE(BAN_UNCOMMITTED_TRANSACTION, 'F', "ban-uncommitted-transaction", LINT_BY_PROOF, false,
		  "BEGIN without COMMIT",
		  "Remove the BEGIN, or add the COMMIT.")
LINT_RULE(PREFER_ROBUST_STMTS, 'F', "prefer-robust-stmts", LINT_BY_BREAK, false,
		  "no IF [NOT] EXISTS where a script may stop half-way, or one that meets something else",
		  "Add the guard, and see that what is there is what you mean.")
LINT_RULE(BULK_DATA_CHANGE, 'F', "bulk-data-change", LINT_BY_LOCK, false,
		  "UPDATE or DELETE of much of a table",
		  "Change the rows in batches, outside of migrations, before what needs them changed.")
LINT_RULE(BAN_DUPLICATE_COLUMN_ASSIGNMENTS, 'F', "ban-duplicate-column-assignments", LINT_BY_PROOF, false,
		  "a column that is assigned twice",
		  "Remove one of the assignments.")
LINT_RULE(IRREVERSIBLE_MIGRATION, 'F', "irreversible-migration", LINT_BY_BREAK, false,
		  "no down script, or rows that are not kept",
		  "Register a down script; once the migration is applied, migrate_generate_rollback() writes one. Remove \"no-backup\" to have the rows kept.")
LINT_RULE(NON_LINEAR_HISTORY, 'F', "non-linear-history", LINT_BY_BREAK, false,
		  "a version older than what is applied",
		  "Give it a later version, unless it does not matter which of them comes first.")
LINT_RULE(SCHEMA_DRIFT, 'F', "schema-drift", LINT_BY_PROOF, false,
		  "a name that is not there, or is there already",
		  "Compare the schema with what the migrations before this one make; migrate_verify() says what was changed outside of them.")
LINT_RULE(UNUSED_IGNORE, 'F', "unused-ignore", LINT_BY_ADVICE, false,
		  "a directive \"ignore\" with nothing to ignore",
		  "Remove it, or correct the name of the rule: migrate.lint_rules() lists them.")
LINT_RULE(WRAPAROUND_VACUUM_IN_PROGRESS, 'F', "wraparound-vacuum-in-progress", LINT_BY_ADVICE, false,
		  "a vacuum against wraparound that holds the table now",
		  "Wait until it is done; pg_stat_progress_vacuum shows how far it is.")
LINT_RULE(LOCK_CONFLICT_NOW, 'F', "lock-conflict-now", LINT_BY_LOCK, false,
		  "somebody who holds a lock in the way of the statement now",
		  "Wait for the transaction to end, or end it: pg_stat_activity shows what it does.")
LINT_RULE(REWRITE_RESOURCE_RISK, 'F', "rewrite-resource-risk", LINT_BY_LOCK, false,
		  "a rewrite that takes much disk and WAL",
		  "See that there is as much free disk, and that standbys and the readers of replication slots keep up.")
