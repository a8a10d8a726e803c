package checks

func certRules() []Rule { return nil }
