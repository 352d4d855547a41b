"""The functional core: money, periods, prices, contracts, fulfilment. Standard library only, no clock, no I/O."""
