#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What failures.py tells of a run."""
import json
import unittest

import failures


def run(name, result, stdout='', stderr=''):
    return json.dumps({'name': name, 'result': result, 'duration': 1.25, 'returncode': 1,
                       'stdout': stdout, 'stderr': stderr})


class Failures(unittest.TestCase):
    def test_good_ones_are_not_told(self):
        self.assertEqual(failures.failures('\n'.join(run('a', result) for result in ('OK', 'SKIP', 'EXPECTEDFAIL'))), [])

    def test_one_that_failed_is_told_with_its_end(self):
        said = '\n'.join(str(i) for i in range(100))
        told = failures.failures(run('a', 'OK') + '\n' + run('b', 'FAIL', said, 'trap'))
        self.assertEqual(told[0], '-- b: FAIL after 1.2 s, 1')
        self.assertEqual(told[1:3], ['... 60 lines before', '60'])
        self.assertEqual(told[-2:], ['99', 'trap'])

    def test_what_never_ended_or_said_nothing(self):
        log = json.dumps({'name': 'c', 'result': 'TIMEOUT', 'duration': 60, 'returncode': -15})
        self.assertEqual(failures.failures(log), ['-- c: TIMEOUT after 60.0 s, -15'])


if __name__ == '__main__':
    unittest.main()
