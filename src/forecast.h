/*-------------------------------------------------------------------------
 *
 * forecast.h
 *		How much the scripts of a plan will copy to keep rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MIGRATE_FORECAST_H
#define MIGRATE_FORECAST_H

#include "position.h"
#include "script.h"

typedef struct Forecast Forecast;

extern Forecast *migrate_forecast_begin(void);
extern void migrate_forecast_script(Forecast *forecast, const Script *script,
									PositionFrame *frame);

#endif							/* MIGRATE_FORECAST_H */
