package checks

func mtastsRules() []Rule { return nil }
