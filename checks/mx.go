package checks

func mxRules() []Rule { return nil }
