"""Where trainings run, one engine a file: the class in it is the section `compute` of params.yaml."""
