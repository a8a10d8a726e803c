package checks

func tlsRules() []Rule { return nil }
