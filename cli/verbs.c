/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "verbs.h"

#include "commands.h"
#include "diagnostics.h"

#define ANY G_MAXUINT

const MillVerb mill_verbs[] = {
  { "run", "FILE|NAME", "run a description in the foreground, in one process",
      "FILE is a description, NAME one of the shipped ones. It ends when every "
      "sink has got the end of stream, or on SIGINT or SIGTERM, which end it "
      "in good order; a second signal, or --end-timeout, stops it. Marks of isolation "
      "are ignored. A mistake in the description is reported with its place, "
      "all mistakes in one run, before anything starts.\n\n"
      "On a terminal a line tells the position, the speed (times real time), "
      "the bit rate and the time that is left; a summary follows at the end.",
      1, 1, MILL_ARGUMENT_DESCRIPTION, NULL, mill_cmd_run_options,
      mill_cmd_run },
  { "validate", "FILE...", "report every mistake in descriptions",
      "Parameters need no values. Each mistake is a line "
      "``file:line:column: error: what, expected what`` on standard error; the "
      "exit code is 65 if there is one. Nothing is run.",
      1, ANY, MILL_ARGUMENT_DESCRIPTION, NULL, NULL, mill_cmd_validate },
  { "explain", "FILE|NAME", "show what a description will do",
      "Without an option it tells processes, links and cost in words.", 1, 1,
      MILL_ARGUMENT_DESCRIPTION, NULL, mill_cmd_explain_options,
      mill_cmd_explain },
  { "elements", "[NAME]", "list the elements that can be nodes, or show one",
      "With NAME: its pads and properties, and whether a property can be "
      "changed while it runs (hot, keyframe, restart).",
      0, 1, MILL_ARGUMENT_NONE, NULL, NULL, mill_cmd_elements },
  { "presets", "[NAME]", "list the ladder presets, or show one",
      "What the parameter ``ladder`` of live-ladder and vod-ladder, and the "
      "property ``preset`` of abrladder, may be. NAME may be a preset file of "
      "your own, too: it is checked.",
      0, 1, MILL_ARGUMENT_NONE, NULL, NULL, mill_cmd_presets },
#ifdef MILL_WITH_REST
  { "get", "KIND [NAME]", "list what the server has, or one thing",
      "KIND is streams, stream-keys, pipelines, workers or nodes; the singular "
      "works too.",
      1, 2, MILL_ARGUMENT_KIND, NULL, NULL, mill_cmd_get },
  { "describe", "KIND NAME", "show one thing with all its fields",
      "The same as get with ``-o yaml``, unless -o says otherwise.", 2, 2,
      MILL_ARGUMENT_KIND, NULL, NULL, mill_cmd_describe },
  { "start", "KIND NAME", "start a stream that was stopped", NULL, 2, 2,
      MILL_ARGUMENT_KIND, NULL, NULL, mill_cmd_start },
  { "stop", "KIND NAME", "stop a stream; it stays known", NULL, 2, 2,
      MILL_ARGUMENT_KIND, NULL, NULL, mill_cmd_start },
  { "restart", "KIND NAME", "stop a stream and start it again", NULL, 2, 2,
      MILL_ARGUMENT_KIND, NULL, NULL, mill_cmd_start },
  { "delete", "KIND NAME", "delete a stream, a stream key or a pipeline", NULL,
      2, 2, MILL_ARGUMENT_KIND, NULL, NULL, mill_cmd_delete },
  { "switch", "NAME INPUT|automatic",
      "choose which of several inputs a stream shows",
      "INPUT is a node of the description that feeds its switch: primary or "
      "backup of live-failover. It is shown from its next keyframe on and "
      "preferred to the others, also when it comes back after a failure, until "
      "``automatic`` leaves the choice to the switch again. ``millrace "
      "describe stream NAME`` shows what is chosen, and from what.",
      2, 2, MILL_ARGUMENT_NONE, NULL, NULL, mill_cmd_switch },
  { "cue", "out|in|cancel|metadata NAME",
      "begin or end a break of a live stream, or hand its players something",
      "``out`` begins the break --id, which other content may fill "
      "(advertisements), ``in`` ends it, ``cancel`` takes one back that has "
      "not begun. Players and ad servers are told by EXT-X-DATERANGE with "
      "SCTE35-OUT and SCTE35-IN, in the MPD, and in the media. ``metadata`` "
      "hands players an ID3 tag at that time of the media.",
      2, 2, MILL_ARGUMENT_ACTION, "out in cancel metadata",
      mill_cmd_cue_options, mill_cmd_cue },
  { "top", "", "show what all streams do, each second",
      "A row for each: its state and for how long it has that, what its "
      "publisher sends (bit rate and frames of the last second, time between "
      "keyframes), CPU (cores) of the processes it has alone, if any, and "
      "warnings on its publisher; above them how many there are and what "
      "workers and origins use. On a terminal the table is drawn anew in its "
      "place and cut to its size; elsewhere one follows the other, with "
      "``-o json`` an object per line. It goes on until it is ended by a "
      "signal, over restarts of the server.",
      0, 0, MILL_ARGUMENT_NONE, NULL, mill_cmd_top_options, mill_cmd_top },
  { "events", "", "show what happens, as it happens",
      "Streams that start and end, warnings on publishers, publishers that are "
      "refused, processes that crash: a line each, with ``-o json`` an object "
      "per line. It goes on until it is ended by a signal, over restarts of "
      "the server; what happened in between is made up for, or a line "
      "``reset`` says that it could not be.",
      0, 0, MILL_ARGUMENT_NONE, NULL, mill_cmd_events_options,
      mill_cmd_events },
  { "logs", "[STREAM]", "show what happened to a stream, or to all",
      "A line each, oldest first: changes of state, warnings, refused "
      "publishers, the reason of a failure. The server keeps the last 200 of a "
      "stream, since it was started. With --follow it goes on until it is "
      "ended by a signal, over restarts of the server, or until STREAM is "
      "deleted; ``-o json`` is an object per line then, else one list.",
      0, 1, MILL_ARGUMENT_NONE, NULL, mill_cmd_logs_options, mill_cmd_logs },
  { "stream-keys",
      "list | create NAME --app APP | get|set|enable|disable|rotate|delete ID",
      "manage the keys that publishers use",
      "``create`` makes a key for the stream NAME, ``rotate`` a new secret for "
      "the key ID. Both print the secret, which cannot be read again. ``set`` "
      "changes what the options say. A publisher whose key is disabled, "
      "deleted, rotated without --grace, or no longer allowed from its "
      "address is sent away: its stream ends.",
      1, 2, MILL_ARGUMENT_ACTION,
      "list create get set enable disable rotate delete",
      mill_cmd_stream_keys_options, mill_cmd_stream_keys },
#endif
  { "help", "[VERB]", "show this overview, or the help of a verb", NULL, 0, 1,
      MILL_ARGUMENT_VERB, NULL, NULL, mill_cmd_help },
  { NULL },
};

const MillVerb *
mill_verbs_find (const gchar *name)
{
  for (const MillVerb *verb = mill_verbs; verb->name != NULL; verb++) {
    if (g_str_equal (verb->name, name))
      return verb;
  }
  return NULL;
}

const gchar *
mill_verbs_nearest (const gchar *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (const MillVerb *verb = mill_verbs; verb->name != NULL; verb++)
    g_ptr_array_add (names, (gpointer) verb->name);
  g_ptr_array_add (names, NULL);
  return mill_diagnostics_nearest (name, (const gchar *const *) names->pdata);
}
