package checks

func dkimRules() []Rule { return nil }
