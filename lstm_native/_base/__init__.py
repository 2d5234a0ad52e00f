"""What every other part stands on: arguments checked, arrays taken in, attributes guarded."""
