"""`python -m lstm_native` is the command `lstm-native`."""

from lstm_native.cli import main

raise SystemExit(main())
