const { jestConfig } = require('@salesforce/sfdx-lwc-jest/config');

module.exports = {
    ...jestConfig,
    modulePathIgnorePatterns: ['<rootDir>/cpq', '<rootDir>/app', '<rootDir>/events'],
    moduleNameMapper: {
        '^@salesforce/user/Id$': '<rootDir>/checks/userId.js',
        '^lightning/platformShowToastEvent$': '<rootDir>/checks/toast.js'
    }
};
