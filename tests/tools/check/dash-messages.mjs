// SPDX-License-Identifier: MIT
// Events (ISO/IEC 23009-1 §5.10): those in segments are announced, those in the MPD
// are in order, and one id means one event.
import { dash } from './dash-mpd.mjs';

/** 5.10.3: event messages of a segment that was loaded. */
export function checkMessages(r, segment) {
  const announced = [r.element, r.set.element].flatMap((e) => e.all('InbandEventStream')).map((e) => e.attributes);
  r.messages ??= new Map();
  for (const { scheme, value, id, time, duration, message } of segment.media.messages) {
    const streams = announced.filter((a) => a.schemeIdUri === scheme);
    r.check(streams.length > 0, '5.10.3.2', `segment ${segment.number} has an emsg box of '${scheme}', and no InbandEventStream says so`);
    r.check(!streams.length || streams.some((a) => (a.value ?? value) === value), '5.10.3.2', `segment ${segment.number} has an emsg box of '${scheme}' with value '${value}', InbandEventStream has ${streams.map((a) => `'${a.value}'`)}`);
    const text = JSON.stringify([time, duration, message.toString('hex')]); const key = JSON.stringify([scheme, value, id]);
    r.check((r.messages.get(key) ?? text) === text, '5.10.3.3.4', `segment ${segment.number} has another message of '${scheme}' with id ${id} than one before`);
    r.messages.set(key, text);
  }
}

const contentOf = (element) => [element.text, ...element.children.map((c) => `${c.name} ${JSON.stringify(c.attributes)} ${contentOf(c)}`)].join('\n');

/** 5.10.2: { key: what was said } of the EventStreams of a Period. */
export function readEvents(period, report) {
  const events = new Map();
  for (const stream of period.element.all('EventStream')) {
    const { schemeIdUri, value } = stream.attributes; const timescale = stream.number('timescale', 1); let before = 0;
    report.check(schemeIdUri, period.where, dash('5.10.2.2'), 'an EventStream without @schemeIdUri');
    for (const event of stream.all('Event')) {
      const { id } = event.attributes; const time = event.number('presentationTime', 0);
      report.check(time >= before, period.where, dash('5.10.2.1'), `an Event of '${schemeIdUri}' at ${time}, the one before it is at ${before}`);
      before = time;
      if (id === undefined) continue;
      const key = JSON.stringify([schemeIdUri, value, id]); const text = `${time / timescale} s ${contentOf(event)}`;
      report.check((events.get(key) ?? text) === text, period.where, dash('5.10.2.2'), `two Events of '${schemeIdUri}' with id ${id} that are not the same`);
      events.set(key, text);
    }
  }
  return events;
}

/** Between two versions of a Period. */
export function compareEvents(known, period, report) {
  for (const [key, text] of readEvents(period, report)) {
    report.check((known.get(key) ?? text) === text, period.where, dash('5.10.2.2'), `the Event ${key} changed`);
    known.set(key, text);
  }
}
