package checks

func dmarcRules() []Rule { return nil }
