#!/bin/bash
# The architectures: listed with their sizes, shown block by block, drawn; wrong names are told.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

"$SONOGRADE" models > list
grep -Eq '^mresnet +17\.30 M +4\.68 ' list
grep -Eq '^resnet50 +23\.51 M +4\.09 ' list
"$SONOGRADE" models --classes 1000 --json > list.json
grep -q '"parameters": 3504872' list.json
grep -q '"parameters": 61100840' list.json
grep -q '"parameters": 138357544' list.json

"$SONOGRADE" models show mresnet --svg drawn.svg > shown
grep -Eq '^- layer3\.5 ' shown
grep -q '3x3 conv, 512, dilation 2; 1x1 conv, 2048; SE 1/16' shown
grep -q '^<svg ' drawn.svg
[ "$(tail -c 7 drawn.svg)" = '</svg>' ]
grep -q 'dilation 2' drawn.svg
"$SONOGRADE" models show googlenet --auxiliary --svg inception.svg > shown
grep -q '^  inception4a  *512 x  14 x  14 ' shown
grep -q 'inception4a' inception.svg
"$SONOGRADE" models show mresnetv2 --dilation 1 --json | grep -q '"dilation": 1'

code=0
"$SONOGRADE" models show resnet5O > out 2> err || code=$?
[ "$code" = 2 ]
[ ! -s out ]
grep -q "the nearest name is 'resnet50'" err
code=0
"$SONOGRADE" models show mobilenetv2 --blocks 1,2,3,4 2> err || code=$?
[ "$code" = 2 ]
code=0
"$SONOGRADE" models show resnet50 --blocks 1,2,x,4 2> err || code=$?
[ "$code" = 2 ]
