package checks

func spfRules() []Rule { return nil }
