-- Restore: kept rows go back -------------------------------------------------------------

CREATE FUNCTION migrate.row_image(record)
RETURNS bigint
AS 'MODULE_PATHNAME', 'migrate_row_image' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION migrate.row_image(record) IS
'hash of the values of a row, in the form in which they are kept: tells whether a row is still what it was';
