/*-------------------------------------------------------------------------
 *
 * property.c
 *		Properties: the parts of a definition, as keys and values of json.
 *
 * What is not there, or is what it would be anyway, has no property.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "describe.h"
#include "property.h"

PG_FUNCTION_INFO_V1(migrate_properties_json);

/* Append a key and a text, unless it is NULL. */
void
migrate_property_text(StringInfo json, const char *key, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(json, ",\"%s\":", key);
	escape_json(json, text);
}

/* Take back a key that no value was appended to. */
static void
property_take_back(StringInfo json, int length)
{
	json->len = length;
	json->data[length] = '\0';
}

/* Append a key and options, unless there are none. */
void
migrate_property_options(StringInfo json, const char *key, Datum options, bool isnull)
{
	int			length = json->len;

	if (isnull)
		return;
	appendStringInfo(json, ",\"%s\":", key);
	if (!migrate_describe_options(json, options))
		property_take_back(json, length);
}

/* Append privileges, unless they are those of an object of this kind and owner anyway. */
void
migrate_property_acl(StringInfo json, Datum acl, bool isnull, char kind, Oid owner)
{
	int			length = json->len;

	if (isnull)
		return;
	appendStringInfoString(json, ",\"acl\":");
	if (!migrate_describe_acl(json, DatumGetAclP(acl), kind, owner))
		property_take_back(json, length);
}

/* Append the security labels of a relation, or of one of its columns. */
void
migrate_property_labels(StringInfo json, Oid relid, int number)
{
	int			length = json->len;

	appendStringInfoString(json, ",\"labels\":");
	if (!migrate_describe_labels(json, RelationRelationId, relid, number))
		property_take_back(json, length);
}

/* Append json without white space between its parts. */
static void
property_compact(StringInfo json, const char *part)
{
	bool		quoted = false;

	enlargeStringInfo(json, strlen(part));
	for (; *part != '\0'; part++)
	{
		if (!quoted && (*part == ' ' || *part == '\n'))
			continue;
		if (*part == '"')
			quoted = !quoted;
		else if (*part == '\\' && quoted)
			json->data[json->len++] = *part++;
		json->data[json->len++] = *part;
	}
	json->data[json->len] = '\0';
}

/* Append a value as json. */
static void
property_value(StringInfo json, Datum value, Oid type)
{
	Oid			output;
	bool		is_varlena;
	char	   *string;

	if (OidIsValid(get_element_type(type)))
	{
		string = TextDatumGetCString(DirectFunctionCall1(array_to_json, value));
		property_compact(json, string);
		return;
	}
	switch (type)
	{
		case BOOLOID:
			appendStringInfoString(json, DatumGetBool(value) ? "true" : "false");
			return;
		case TEXTOID:
		case JSONOID:
			string = TextDatumGetCString(value);
			break;
		case UNKNOWNOID:
		case CSTRINGOID:
			string = DatumGetCString(value);
			break;
		default:
			getTypeOutputInfo(type, &output, &is_varlena);
			string = OidOutputFunctionCall(output, value);
			break;
	}
	if (type == JSONOID)
		property_compact(json, string);
	else if (type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID)
		appendStringInfoString(json, string);
	else
		escape_json(json, string);
}

/*
 * SQL: migrate.properties_json(VARIADIC "any"): json_build_object() without the
 * keys whose values are NULL, in one go.
 */
Datum
migrate_properties_json(PG_FUNCTION_ARGS)
{
	Datum	   *args;
	bool	   *nulls;
	Oid		   *types;
	int			count = extract_variadic_args(fcinfo, 0, false, &args, &types, &nulls);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i + 1 < count; i += 2)
	{
		if (nulls[i] || nulls[i + 1])
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		property_value(&json, args[i], types[i]);
		appendStringInfoChar(&json, ':');
		property_value(&json, args[i + 1], types[i + 1]);
	}
	appendStringInfoChar(&json, '}');
	PG_RETURN_TEXT_P(cstring_to_text_with_len(json.data, json.len));
}
